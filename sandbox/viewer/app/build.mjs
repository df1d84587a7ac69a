// Bundles the viewer into the given folder: viewer.js, viewer.css, index.html, and Grafana's icons and fonts.
import { build } from 'esbuild';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [target] = process.argv.slice(2);
await build({
  entryPoints: { viewer: 'src/main.tsx' },
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  splitting: true,
  target: 'es2022',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.svg': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.png': 'dataurl' },
  logLevel: 'warning',
});
// Only for the pictures (vector.mjs); not part of the page.
await build({
  stdin: { contents: "export { documentToSVG } from 'dom-to-svg';", resolveDir: '.' },
  outfile: join(target, '../dom-to-svg.js'),
  bundle: true,
  minify: true,
  globalName: 'domToSvg',
  logLevel: 'warning',
});
const packaged = (name) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const icons = join(target, 'public/build/img/icons');
await cp(join(packaged('@grafana/ui'), 'dist/public/img/icons'), icons, { recursive: true });
// The time range picker's "back" icon is not published: rotate the other one.
const forward = await readFile(join(icons, 'unicons/angle-double-right.svg'), 'utf8');
await writeFile(join(icons, 'unicons/angle-double-left.svg'), forward.replace('<svg ', '<svg transform="rotate(180)" '));
// Grafana's fonts, under the names that its styles use.
const MONO = 'L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ';
for (const [family, face, name] of [
  ['inter', '400-normal', 'inter/Inter-Regular'],
  ['inter', '500-normal', 'inter/Inter-Medium'],
  ['inter', '400-italic', 'inter/Inter-Italic'],
  ['inter', '500-italic', 'inter/Inter-MediumItalic'],
  ['roboto-mono', '400-normal', `roboto/${MONO}`],
]) {
  await cp(join(packaged(`@fontsource/${family}`), `files/${family}-latin-${face}.woff2`), join(target, `public/fonts/${name}.woff2`));
}
await cp('index.html', join(target, 'index.html'));
