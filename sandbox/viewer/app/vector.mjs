// Converts the page to SVG: text as text, charts as paths. Both functions run inside the page.
//
// `record` runs before the page's own scripts, and records whatever is drawn on a canvas (Grafana's charts, by uPlot).
// `draw` then replaces the canvases by what was recorded, and dom-to-svg does the rest.

/** Runs in the page before anything else: records what is drawn on canvases, for SVG elements. */
export function record() {
  const DRAWN = new WeakMap();
  const d = Symbol('d');
  const fixed = (value) => String(Math.round(value * 10) / 10);
  const write = {
    moveTo: (x, y) => `M${fixed(x)} ${fixed(y)}`,
    lineTo: (x, y) => `L${fixed(x)} ${fixed(y)}`,
    bezierCurveTo: (...points) => `C${points.map(fixed).join(' ')}`,
    quadraticCurveTo: (...points) => `Q${points.map(fixed).join(' ')}`,
    rect: (x, y, w, h) => `M${fixed(x)} ${fixed(y)}h${fixed(w)}v${fixed(h)}h${fixed(-w)}z`,
    roundRect: (x, y, w, h) => `M${fixed(x)} ${fixed(y)}h${fixed(w)}v${fixed(h)}h${fixed(-w)}z`,
    closePath: () => 'Z',
    arc(x, y, r, from, to, left = false) {
      const at = (angle) => `${fixed(x + r * Math.cos(angle))} ${fixed(y + r * Math.sin(angle))}`;
      const sweep = left ? 0 : 1;
      const whole = Math.abs(to - from) >= 2 * Math.PI - 1e-6;
      const middle = whole ? from + (left ? -Math.PI : Math.PI) : from;
      const half = whole ? `A${fixed(r)} ${fixed(r)} 0 0 ${sweep} ${at(middle)}` : '';
      return `M${at(from)}${half}A${fixed(r)} ${fixed(r)} 0 ${!whole && Math.abs(to - from) > Math.PI ? 1 : 0} ${sweep} ${at(to)}`;
    },
  };
  // A canvas's path can begin with a line, which only moves to its first point; an SVG's cannot.
  const continued = (before, more) => (before === '' && more.startsWith('L') ? `M${more.slice(1)}` : before + more);
  const Path = window.Path2D;
  window.Path2D = class extends Path {
    constructor(other) {
      super(other);
      this[d] = other?.[d] ?? '';
    }
    addPath(other, ...rest) {
      super.addPath(other, ...rest);
      this[d] += other[d];
    }
  };
  const context = CanvasRenderingContext2D.prototype;
  const wrap = (target, name, before) => {
    const own = target[name];
    target[name] = function (...given) {
      before.call(this, ...given);
      return own.apply(this, given);
    };
  };
  for (const [name, text] of Object.entries(write)) {
    wrap(window.Path2D.prototype, name, function (...given) {
      this[d] = continued(this[d], text(...given));
    });
    wrap(context, name, function (...given) {
      this[d] = continued(this[d] ?? '', text(...given));
    });
  }
  const notes = (ctx) => {
    if (!DRAWN.has(ctx.canvas)) {
      DRAWN.set(ctx.canvas, { items: [], clips: [], saved: [] });
    }
    return DRAWN.get(ctx.canvas);
  };
  const note = (ctx, item) => notes(ctx).items.push({ ...item, matrix: ctx.getTransform(), clips: notes(ctx).clips, opacity: ctx.globalAlpha });
  wrap(context, 'beginPath', function () {
    this[d] = '';
  });
  wrap(context, 'save', function () {
    notes(this).saved.push(notes(this).clips);
  });
  wrap(context, 'restore', function () {
    notes(this).clips = notes(this).saved.pop() ?? [];
  });
  wrap(context, 'clip', function (path) {
    const shape = path instanceof Path ? path[d] : this[d];
    notes(this).clips = [...notes(this).clips, { d: shape, matrix: this.getTransform() }];
  });
  wrap(context, 'clearRect', function () {
    notes(this).items = [];
  });
  wrap(context, 'fill', function (path) {
    note(this, { d: path instanceof Path ? path[d] : this[d], fill: this.fillStyle });
  });
  wrap(context, 'fillRect', function (...given) {
    note(this, { d: write.rect(...given), fill: this.fillStyle });
  });
  wrap(context, 'stroke', function (path) {
    const line = { width: this.lineWidth, dash: this.getLineDash(), cap: this.lineCap, join: this.lineJoin };
    note(this, { d: path instanceof Path ? path[d] : this[d], stroke: this.strokeStyle, line });
  });
  wrap(context, 'fillText', function (text, x, y) {
    note(this, { text, x, y, fill: this.fillStyle, font: this.font, align: this.textAlign, baseline: this.textBaseline });
  });
  const gradient = context.createLinearGradient;
  context.createLinearGradient = function (...line) {
    return Object.assign(gradient.apply(this, line), { line, stops: [] });
  };
  wrap(CanvasGradient.prototype, 'addColorStop', function (offset, color) {
    this.stops.push([offset, color]);
  });
  // Setting a canvas's size clears it.
  for (const name of ['width', 'height']) {
    const own = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, name);
    Object.defineProperty(HTMLCanvasElement.prototype, name, {
      ...own,
      set(value) {
        DRAWN.delete(this);
        own.set.call(this, value);
      },
    });
  }
  window.drawnOn = (canvas) => DRAWN.get(canvas)?.items ?? [];
}

/** Runs in the finished page, where dom-to-svg is `window.domToSvg`. Returns the panels that fit on the first screen as SVG text. */
export function draw() {
  const SVG = 'http://www.w3.org/2000/svg';
  let names = 0;
  const make = (name, attributes, ...inside) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== '') {
        element.setAttribute(key, value);
      }
    }
    element.append(...inside);
    return element;
  };
  const transform = (m) => (m.isIdentity ? undefined : `matrix(${[m.a, m.b, m.c, m.d, m.e, m.f].map((n) => Math.round(n * 1000) / 1000).join(' ')})`);
  const paint = (style, definitions) => {
    if (typeof style === 'string') {
      return style;
    }
    const [x1, y1, x2, y2] = style.line;
    const id = `paint${names++}`;
    const stops = style.stops.map(([offset, color]) => make('stop', { offset, 'stop-color': color }));
    definitions.append(make('linearGradient', { id, gradientUnits: 'userSpaceOnUse', x1, y1, x2, y2 }, ...stops));
    return `url(#${id})`;
  };
  const BASELINES = { top: 'text-before-edge', bottom: 'text-after-edge', middle: 'central', hanging: 'hanging' };
  const ANCHORS = { center: 'middle', right: 'end', end: 'end' };
  for (const canvas of document.querySelectorAll('canvas')) {
    const box = canvas.getBoundingClientRect();
    const definitions = make('defs', {});
    const known = new Map();
    const clipped = (clips) => {
      const key = JSON.stringify(clips);
      if (clips.length === 0 || known.has(key)) {
        return known.get(key);
      }
      const before = clipped(clips.slice(0, -1));
      const id = `clip${names++}`;
      const { d, matrix } = clips.at(-1);
      definitions.append(make('clipPath', { id, 'clip-path': before }, make('path', { d, transform: transform(matrix) })));
      known.set(key, `url(#${id})`);
      return known.get(key);
    };
    const shapes = window.drawnOn(canvas).map(({ d, text, x, y, fill, font, align, baseline, stroke, line, matrix, clips, opacity }) => {
      const common = { transform: transform(matrix), opacity: opacity === 1 ? undefined : opacity };
      let shape;
      if (text !== undefined) {
        const [, size, family] = /([\d.]+)px\s+(.*)$/.exec(font) ?? [undefined, '12', 'sans-serif'];
        const style = { 'font-size': size, 'font-family': family, fill: paint(fill, definitions) };
        shape = make('text', { x, y, ...style, 'text-anchor': ANCHORS[align], 'dominant-baseline': BASELINES[baseline], ...common }, text);
      } else if (stroke !== undefined) {
        const pen = { stroke: paint(stroke, definitions), 'stroke-width': line.width, 'stroke-dasharray': line.dash.join(' ') };
        shape = make('path', { d, fill: 'none', ...pen, 'stroke-linejoin': line.join, ...common });
      } else {
        shape = make('path', { d, fill: paint(fill, definitions), ...common });
      }
      return clips.length > 0 ? make('g', { 'clip-path': clipped(clips) }, shape) : shape;
    });
    const size = { width: box.width, height: box.height, viewBox: `0 0 ${canvas.width} ${canvas.height}` };
    const drawing = make('svg', size, definitions, ...shapes.filter((shape) => shape.querySelector?.('path[d=""]') === null));
    drawing.style.cssText = `position: absolute; left: 0; top: 0; width: ${box.width}px; height: ${box.height}px`;
    canvas.replaceWith(drawing);
  }
  const background = getComputedStyle(document.body).backgroundColor;
  const bottoms = [...document.querySelectorAll('[data-panel]')].map((panel) => panel.getBoundingClientRect().bottom);
  const height = Math.ceil(Math.max(...bottoms.filter((bottom) => bottom <= innerHeight))) + 12;
  const found = window.domToSvg.documentToSVG(document, { captureArea: new DOMRect(0, 0, innerWidth, height) });
  return new XMLSerializer().serializeToString(slim(found.documentElement));

  /** Removes everything that is not visible: styles, names of elements, links, and whatever is below the picture. */
  function slim(root) {
    const KEPT = new Set([
      ...['id', 'width', 'height', 'viewBox', 'x', 'y', 'x1', 'y1', 'x2', 'y2', 'cx', 'cy', 'r', 'rx', 'ry', 'd', 'points', 'transform'],
      ...['fill', 'fill-opacity', 'fill-rule', 'opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin'],
      ...['mask', 'clip-path', 'gradientUnits', 'offset', 'stop-color', 'font-family', 'font-size', 'font-weight', 'text-anchor'],
      ...['dominant-baseline', 'textLength', 'lengthAdjust', 'xml:space'],
    ]);
    const USUAL = { 'font-weight': '400', 'text-anchor': 'start', 'stroke-linecap': 'butt', 'stroke-linejoin': 'miter', opacity: '1' };
    const FAMILY = 'Inter, Helvetica, Arial, sans-serif';
    document.body.replaceChildren(root);
    for (const element of root.querySelectorAll('style, title, desc, metadata, script')) {
      element.remove();
    }
    const comments = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
    for (const comment of [...(function* () { while (comments.nextNode()) yield comments.currentNode; })()]) {
      comment.remove();
    }
    for (const link of root.querySelectorAll('a')) {
      const group = make('g', {}, ...link.childNodes);
      link.replaceWith(group);
    }
    for (const element of root.querySelectorAll('text, rect, path, line, circle')) {
      if (!element.closest('defs, mask, clipPath') && element.getBoundingClientRect().top > height) {
        element.remove();
      }
    }
    // Text below the picture leaves empty elements.
    for (const text of root.querySelectorAll('text')) {
      if (text.childElementCount === 0 && text.textContent === '') {
        text.remove();
      }
    }
    const masks = make('defs', {}, ...root.querySelectorAll('mask'));
    root.prepend(masks);
    const used = new Set([...root.outerHTML.matchAll(/url\(&quot;#([^)]*)&quot;\)|url\(#([^)]*)\)/g)].map((found) => found[1] ?? found[2]));
    for (const element of [root, ...root.querySelectorAll('*')]) {
      for (const { name, value } of [...element.attributes]) {
        const idle = name === 'id' && !used.has(value);
        if (!(KEPT.has(name) || name.startsWith('xmlns')) || idle || USUAL[name] === value || (name === 'font-family' && value.startsWith('Inter'))) {
          element.removeAttribute(name);
        } else if (/^-?\d+\.\d{3,}(px)?$/.test(value)) {
          element.setAttribute(name, String(Math.round(parseFloat(value) * 100) / 100));
        }
      }
    }
    // From the inside out, remove empty groups, then groups without attributes.
    for (const group of [...root.querySelectorAll('g, svg')].reverse()) {
      if (group.childElementCount === 0) {
        group.remove();
      }
    }
    share(root, masks);
    for (const group of [...root.querySelectorAll('g')].filter((each) => each.attributes.length === 0).reverse()) {
      group.replaceWith(...group.childNodes);
    }
    root.prepend(make('rect', { width: '100%', height: '100%', fill: background }));
    root.setAttribute('font-family', FAMILY);
    return root;
  }

  /** dom-to-svg masks each element whose overflow is hidden. Keeps the masks only where something overflows, and merges equal ones. */
  function share(root, definitions) {
    const masks = new Map([...definitions.children].map((mask) => [`url(#${mask.id})`, mask]));
    const shared = new Map();
    for (const element of root.querySelectorAll('[mask]')) {
      const mask = masks.get(element.getAttribute('mask'));
      if ([...mask.children].some((shown) => holds(shown, element.getBBox()))) {
        element.removeAttribute('mask');
        continue;
      }
      if (!shared.has(mask.innerHTML)) {
        shared.set(mask.innerHTML, mask);
      }
      element.setAttribute('mask', `url(#${shared.get(mask.innerHTML).id})`);
    }
    definitions.replaceChildren(...shared.values());
  }

  /** Whether a rectangle covers a box, with a tolerance of half a pixel. */
  function holds(rectangle, box) {
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => rectangle[name].baseVal.value);
    const [right, bottom] = [x + width + 0.5, y + height + 0.5];
    return x - 0.5 <= box.x && y - 0.5 <= box.y && box.x + box.width <= right && box.y + box.height <= bottom;
  }
}
