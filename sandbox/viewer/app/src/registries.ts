/** What Grafana's core registers when it starts: the properties of fields, and the transformations. */
import {
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  FieldType,
  standardTransformers,
  standardTransformersRegistry,
  type TransformerRegistryItem,
} from '@grafana/data';

const STANDARD = [
  ...['unit', 'min', 'max', 'fieldMinMax', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'links', 'color'],
];

const CUSTOM = [
  ...['drawStyle', 'lineInterpolation', 'lineWidth', 'lineStyle', 'fillOpacity', 'gradientMode', 'showPoints', 'pointSize'],
  ...['spanNulls', 'stacking', 'transform', 'thresholdsStyle', 'hideFrom', 'axisPlacement', 'axisLabel', 'axisSoftMin'],
  ...['axisSoftMax', 'axisColorMode', 'scaleDistribution', 'fillBelowTo', 'width', 'minWidth', 'align', 'cellOptions', 'inspect'],
];

function property(path: string, isCustom: boolean): FieldConfigPropertyItem {
  const nothing = () => null;
  return {
    id: isCustom ? `custom.${path}` : path,
    path,
    name: path,
    isCustom,
    editor: nothing,
    override: nothing,
    process: (value: unknown) => value,
    // As in Grafana, an axis's settings apply to the values, not to the time.
    shouldApply: (field) => !(path.startsWith('axis') && field.type === FieldType.time),
  };
}

export const properties = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => property(path, false)),
  ...CUSTOM.map((path) => property(path, true)),
]);

export function registerTransformers(): void {
  // Some transformers are listed under two names.
  const unique = new Map(Object.values(standardTransformers).map((transformer) => [transformer.id, transformer]));
  standardTransformersRegistry.setInit(() =>
    [...unique.values()].map((transformer): TransformerRegistryItem => ({
        id: transformer.id,
        name: transformer.name,
        transformation: () => Promise.resolve(transformer),
        editor: () => null,
        imageDark: '',
        imageLight: '',
      })
    )
  );
}
