/** A dashboard: its variables, links, time range and refresh at the top, its panels on a grid below. */
import { dateTime, type TimeRange } from '@grafana/data';
import { Button, Combobox, InlineField, Input, LinkButton, MultiCombobox, RefreshPicker, TimeRangePicker } from '@grafana/ui';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import type { DashboardModel, PanelModel } from './model';
import { Panel } from './Panel';
import { rangeOf, timeParameters } from './times';
import { addressOf, ALL, Interpolator, load, type Variable, type Variables } from './variables';

const [CELL_HEIGHT, GAP, COLUMNS] = [30, 8, 24];
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

function seconds(written: string): number {
  return Number(written.slice(0, -1)) * (SECONDS[written.slice(-1)] ?? 0);
}

/** The time range in the address, or else the dashboard's. `now` is the current time at each call. */
function currentRange(dashboard: DashboardModel): TimeRange {
  const address = new URLSearchParams(location.search);
  return rangeOf({ from: address.get('from') ?? dashboard.time.from, to: address.get('to') ?? dashboard.time.to });
}

export function Dashboard({ dashboard }: { dashboard: DashboardModel }) {
  const [loaded, setLoaded] = useState<{ variables: Variables; range: TimeRange }>();
  const [failure, setFailure] = useState('');
  const [interval, setRefresh] = useState(dashboard.refresh ?? '');

  /** Reload everything for the current address: after a change, and at every refresh. */
  const reload = useCallback(() => {
    const range = currentRange(dashboard);
    load(dashboard.templating.list, new URLSearchParams(location.search), range).then(
      (variables) => {
        setFailure('');
        setLoaded({ variables, range });
      },
      (error: unknown) => setFailure(String(error))
    );
  }, [dashboard]);

  const go = useCallback(
    (variables: Variables, range: { from: TimeRange['raw']['from']; to: TimeRange['raw']['to'] }) => {
      history.pushState(null, '', location.pathname + addressOf(variables, range));
      reload();
    },
    [reload]
  );

  useEffect(reload, [reload]);
  useEffect(() => {
    addEventListener('popstate', reload);
    return () => removeEventListener('popstate', reload);
  }, [reload]);
  useEffect(() => {
    const each = seconds(interval) * 1000;
    const timer = each > 0 ? setInterval(reload, each) : undefined;
    return () => clearInterval(timer);
  }, [interval, reload]);

  const interpolator = useMemo(() => loaded && new Interpolator(loaded.variables, loaded.range), [loaded]);
  if (!loaded || !interpolator) {
    return <p role={failure ? 'alert' : undefined}>{failure || 'Loading…'}</p>;
  }
  const { variables, range } = loaded;
  const choose = (name: string, chosen: string[]) => {
    const variable = variables.get(name)!;
    go(new Map(variables).set(name, { ...variable, chosen }), range.raw);
  };
  const show = (from: number, to: number) => go(variables, { from: dateTime(from), to: dateTime(to) });
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  return (
    <>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: GAP, alignItems: 'flex-start', marginBottom: GAP }}>
        {[...variables.values()]
          .filter(({ model }) => model.hide !== 2)
          .map((variable) => (
            <Control key={variable.model.name} variable={variable} onChange={(chosen) => choose(variable.model.name, chosen)} />
          ))}
        <span style={{ flexGrow: 1 }} />
        {dashboard.links.filter(({ url }) => url).map((link) => {
          const carried = [link.includeVars ? addressOf(variables, range.raw).slice(1) : link.keepTime ? timeParameters(range.raw) : ''];
          return (
            <LinkButton key={link.title} variant="secondary" icon="apps" href={`${link.url}?${carried}`} tooltip={link.tooltip}>
              {link.title}
            </LinkButton>
          );
        })}
        <TimeRangePicker
          value={range}
          timeZone="browser"
          onChange={({ raw }) => go(variables, raw)}
          onChangeTimeZone={() => undefined}
          onMoveBackward={() => show(from - (to - from) / 2, to - (to - from) / 2)}
          onMoveForward={() => show(from + (to - from) / 2, to + (to - from) / 2)}
          onZoom={() => show(from - (to - from) / 2, to + (to - from) / 2)}
        />
        <RefreshPicker value={interval} onIntervalChanged={setRefresh} onRefresh={reload} intervals={['10s', '30s', '1m', '5m']} />
      </div>
      {failure && <p role="alert">{failure}</p>}
      <Grid panels={dashboard.panels} interpolator={interpolator} onZoom={show} />
    </>
  );
}

function Control({ variable, onChange }: { variable: Variable; onChange: (chosen: string[]) => void }) {
  const { model, options, chosen } = variable;
  const id = `var-${model.name}`;
  const listed = options.map(({ text, value }) => ({ label: text, value }));
  const withAll = model.includeAll ? [{ label: 'All', value: ALL }, ...listed] : listed;
  let control = <Combobox id={id} width="auto" minWidth={12} options={withAll} value={chosen[0] ?? null} onChange={({ value }) => onChange([value])} />;
  if (model.type === 'textbox') {
    control = <Input id={id} width={14} defaultValue={chosen[0]} onBlur={(event) => event.currentTarget.value !== chosen[0] && onChange([event.currentTarget.value])} />;
  } else if (model.multi) {
    // "All" and single values exclude each other: the last choice wins.
    const changed = (picked: string[]) => {
      const newest = picked.filter((value) => !chosen.includes(value));
      const kept = newest.includes(ALL) || picked.length === 0 ? [ALL] : picked.filter((value) => value !== ALL);
      onChange(kept);
    };
    control = (
      <MultiCombobox id={id} width="auto" minWidth={16} options={withAll} value={chosen} onChange={(picked) => changed(picked.map(({ value }) => value))} />
    );
  }
  return (
    <InlineField label={model.label ?? model.name} tooltip={model.description} htmlFor={id}>
      {control}
    </InlineField>
  );
}

interface Placed {
  panel: PanelModel;
  y: number;
}

/**
 * The visible panels, and the grid line at which each begins. The panels of a collapsed row are visible once it is opened, which
 * moves everything below down. The panels stay the same objects, so that one that only moves is not queried again.
 */
function laidOut(panels: PanelModel[], opened: ReadonlySet<number>): Placed[] {
  const shown: Placed[] = [];
  let bottom = 0;
  let start = 0;
  for (const panel of panels) {
    if (panel.type !== 'row') {
      // As far below the last row as in the dashboard.
      const y = panel.gridPos.y + start;
      shown.push({ panel, y });
      bottom = Math.max(bottom, y + panel.gridPos.h);
      continue;
    }
    shown.push({ panel, y: bottom });
    start = bottom - panel.gridPos.y;
    bottom += panel.gridPos.h;
    for (const inner of (opened.has(panel.id) && panel.collapsed && panel.panels) || []) {
      const y = inner.gridPos.y + start;
      shown.push({ panel: inner, y });
      bottom = Math.max(bottom, y + inner.gridPos.h);
    }
  }
  return shown;
}

function RowHeading({ panel, title, opened, onToggle }: { panel: PanelModel; title: string; opened: boolean; onToggle: (id: number) => void }) {
  if (!panel.collapsed) {
    return <h4 style={{ paddingTop: 6 }}>{title}</h4>;
  }
  return (
    <Button fill="text" variant="secondary" icon={opened ? 'angle-down' : 'angle-right'} aria-expanded={opened} data-row onClick={() => onToggle(panel.id)}>
      {title}
    </Button>
  );
}

interface GridProps {
  panels: PanelModel[];
  interpolator: Interpolator;
  onZoom: (from: number, to: number) => void;
}

function Grid({ panels, interpolator, onZoom }: GridProps) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    watcher.observe(place.current!);
    return () => watcher.disconnect();
  }, []);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(() => laidOut(panels, opened), [panels, opened]);
  const toggle = (id: number) => setOpened((before) => new Set(before.has(id) ? [...before].filter((one) => one !== id) : [...before, id]));
  const column = (width + GAP) / COLUMNS;
  const bottom = Math.max(...shown.map(({ panel, y }) => y + panel.gridPos.h));
  return (
    <div ref={place} style={{ position: 'relative', height: bottom * (CELL_HEIGHT + GAP) }}>
      {width > 0 &&
        shown.map(({ panel, y }) => {
          const { x, w, h } = panel.gridPos;
          const size = { width: Math.floor(w * column - GAP), height: h * (CELL_HEIGHT + GAP) - GAP };
          return (
            <div key={panel.id} style={{ position: 'absolute', left: x * column, top: y * (CELL_HEIGHT + GAP), ...size }}>
              {panel.type === 'row' ? (
                <RowHeading panel={panel} title={interpolator.replace(panel.title)} opened={opened.has(panel.id)} onToggle={toggle} />
              ) : (
                <Panel panel={panel} {...size} interpolator={interpolator} onZoom={onZoom} />
              )}
            </div>
          );
        })}
    </div>
  );
}
