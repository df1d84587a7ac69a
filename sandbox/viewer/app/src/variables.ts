/** Dashboard variables: their values, filling them into texts, and their parameters in the address. */
import { FieldType, formattedValueToString, getFieldDisplayValuesProxy, type RawTimeRange, type ScopedVars, type TimeRange } from '@grafana/data';

import { get, query } from './api';
import type { VariableModel } from './model';
import { timeParameters } from './times';

export const ALL = '$__all';

export interface Option {
  text: string;
  value: string;
}

/** A variable with its current state. chosen: `[ALL]` or some values. */
export interface Variable {
  model: VariableModel;
  options: Option[];
  chosen: string[];
}

export type Variables = Map<string, Variable>;

type Format = string | Function | undefined;

const PATTERN = /\$(\w+)|\$\{(\w+)((?:\.\w+)*)(?::(\w+))?\}/g;

/** The chosen values. "All" is the dashboard's custom value for it, or else all values. */
export function values(variable: Variable): string[] {
  if (variable.chosen.includes(ALL) && variable.model.allValue) {
    return [variable.model.allValue];
  }
  return variable.chosen.includes(ALL) ? variable.options.map((option) => option.value) : variable.chosen;
}

function texts(variable: Variable): string {
  if (variable.chosen.includes(ALL)) {
    return 'All';
  }
  const text = (value: string) => variable.options.find((option) => option.value === value)?.text ?? value;
  return variable.chosen.map(text).join(' + ');
}

export function escapeRegex(value: string): string {
  return value.replace(/[/\\^$*+?.()|[\]{}]/g, '\\$&');
}

/** A variable in InfluxQL, as written by Grafana's InfluxDB datasource. */
function inInfluxQl(variable: Variable): string {
  const list = values(variable);
  // A custom value for "All" is not escaped (@grafana/scenes, CustomAllValue).
  if ((!variable.model.multi && !variable.model.includeAll) || (variable.chosen.includes(ALL) && variable.model.allValue)) {
    return list.join(',');
  }
  const escaped = list.map(escapeRegex);
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}

/** A variable's parameters in the address: `var-NAME=value&…`. */
function asParameters(variable: Variable): string {
  const name = `var-${encodeURIComponent(variable.model.name)}`;
  return variable.chosen.map((value) => `${name}=${encodeURIComponent(value)}`).join('&');
}

/** The value of `__field.labels.host`, `__value.text`, … at the point of a data link. */
function fromContext(name: string, path: string[], scoped: ScopedVars | undefined): string | undefined {
  const context = scoped?.['__dataContext']?.value;
  const field = context?.field ?? scoped?.['__field']?.value;
  if (name === '__field') {
    return path[0] === 'labels' ? field?.labels?.[path[1] ?? ''] : (field?.config?.displayName ?? field?.name);
  }
  if (name === '__data' && context) {
    // The value as displayed, or nothing if there is none (@grafana/scenes, DataMacro).
    const shown = getFieldDisplayValuesProxy({ frame: context.frame, rowIndex: context.rowIndex ?? 0 });
    const value = shown[path[1] ?? ''];
    return value && formattedValueToString(value);
  }
  if (name === '__value' && context) {
    if (context.calculatedValue) {
      return path[0] === 'numeric' ? String(context.calculatedValue.numeric) : context.calculatedValue.text;
    }
    const value = context.field.values[context.rowIndex ?? 0];
    return path[0] === 'text' && context.field.display ? context.field.display(value).text : String(value);
  }
  return undefined;
}

/** Fills variables into texts. Unknown ones (macros of the datasource's backend) stay as they are. */
export class Interpolator {
  constructor(
    readonly variables: Variables,
    readonly range: TimeRange
  ) {}

  replace = (text: string | undefined, scoped?: ScopedVars, format?: Format): string =>
    (text ?? '').replace(PATTERN, (whole, plain: string, braced: string, dotted: string, own: string) => {
      const name = plain ?? braced;
      const path = (dotted ?? '').split('.').filter(Boolean);
      if (name === '__from' || name === '__to') {
        return String((name === '__from' ? this.range.from : this.range.to).valueOf());
      }
      if (name === '__url_time_range') {
        return timeParameters(this.range.raw);
      }
      const found = fromContext(name, path, scoped);
      if (found !== undefined) {
        return format ? encodeURIComponent(found) : found;
      }
      const variable = this.variables.get(name);
      if (!variable) {
        return whole;
      }
      if (typeof format === 'function') {
        return String(format(values(variable)));
      }
      switch (own ?? format) {
        case 'queryparam':
          return asParameters(variable);
        case 'text':
          return texts(variable);
        case 'influxql':
          return inInfluxQl(variable);
        default:
          return values(variable).join(',');
      }
    });

  /** The values that a text stands for: all values of a variable if the text is nothing else. */
  expand(text: string): string[] {
    const variable = /^\$\w+$/.test(text) ? this.variables.get(text.slice(1)) : undefined;
    return variable ? values(variable) : [this.replace(text)];
  }

  /** The parts of a query from the visual editor (`tags`, `select`, `groupBy`), filled in. */
  private inside(value: unknown): unknown {
    if (typeof value === 'string') {
      return this.replace(value, undefined, 'influxql');
    }
    if (Array.isArray(value)) {
      return value.map((one) => this.inside(one));
    }
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.inside(one)]));
    }
    return value;
  }

  /** A query's model with variables filled in. */
  model(target: Record<string, unknown>, datasource: string | undefined): Record<string, unknown> {
    const filled: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(target)) {
      if (key === 'dimensions' && value && typeof value === 'object') {
        filled[key] = Object.fromEntries(
          // As in Grafana (CloudWatchRequest.ts, convertDimensionFormat), variables in lists are not filled in.
          Object.entries(value as Record<string, string | string[]>).map(([name, chosen]) => [
            name,
            typeof chosen === 'string' ? this.expand(chosen) : chosen,
          ])
        );
      } else if (key === 'datasource' && value && typeof value === 'object') {
        filled[key] = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.replace(one)]));
      } else if (typeof value === 'string' && key !== 'label' && key !== 'alias') {
        filled[key] = this.replace(value, undefined, datasource === 'influxdb' && key === 'query' ? 'influxql' : undefined);
      } else if (datasource === 'influxdb' && Array.isArray(value)) {
        filled[key] = this.inside(value);
      } else {
        filled[key] = value;
      }
    }
    return filled;
  }
}

/** The variables of a dashboard with their options, in order, as later ones can use earlier ones. */
export async function load(models: VariableModel[], address: URLSearchParams, range: TimeRange): Promise<Variables> {
  const known: Variables = new Map();
  for (const model of models) {
    const inAddress = address.getAll(`var-${model.name}`);
    const current = [model.current.value].flat();
    const named = inAddress.map((value) => (value === 'All' ? ALL : value)).filter((value) => value !== ALL || model.includeAll);
    const chosen = named.length > 0 ? named : current;
    const options = await optionsOf(model, new Interpolator(known, range), range);
    const variable: Variable = { model, options, chosen };
    if (model.type === 'query' && !chosen.includes(ALL)) {
      const possible = chosen.filter((value) => options.some((option) => option.value === value));
      const first = model.includeAll ? ALL : options[0]?.value;
      variable.chosen = possible.length > 0 || first === undefined ? possible : [first];
    }
    known.set(model.name, variable);
  }
  return known;
}

async function optionsOf(model: VariableModel, filler: Interpolator, range: TimeRange): Promise<Option[]> {
  if (model.type === 'datasource') {
    // Others can be chosen in the address (`var-account=…`): the page cannot read the list of datasources.
    return [{ text: String(model.current.text), value: String(model.current.value) }];
  }
  if (model.type !== 'query') {
    return (model.options ?? []).map(({ text, value }) => ({ text: String(text), value: String(value) }));
  }
  const found =
    model.datasource?.type === 'cloudwatch' ? await fromCloudWatch(model, filler) : await fromInfluxDb(model, filler, range);
  const order = new Intl.Collator(undefined, { sensitivity: 'base' });
  const unique = [...new Set(found)];
  return (model.sort ? unique.sort(order.compare) : unique).map((value) => ({ text: value, value }));
}

async function fromInfluxDb(model: VariableModel, filler: Interpolator, range: TimeRange): Promise<string[]> {
  const text = filler.replace(String(model.query), undefined, 'influxql');
  const frames = await query({
    queries: [
      { refId: 'metricFindQuery', datasource: model.datasource, query: text, rawQuery: true, resultFormat: 'time_series' },
    ],
    from: String(range.from.valueOf()),
    to: String(range.to.valueOf()),
  });
  // As in @grafana/runtime's frameToMetricFindValue: the first column of strings, or else the first that is not a time.
  return frames.flatMap(({ fields }) => {
    const field = fields.find(({ type }) => type === FieldType.string) ?? fields.find(({ type }) => type !== FieldType.time);
    return field?.values.map(String) ?? [];
  });
}

const RESOURCES: Record<string, string> = {
  regions: 'regions',
  metrics: 'metrics',
  namespaces: 'namespaces',
  dimensionKeys: 'dimension-keys',
  dimensionValues: 'dimension-values',
  ec2InstanceAttributes: 'ec2-instance-attribute',
};

async function fromCloudWatch(model: VariableModel, filler: Interpolator): Promise<string[]> {
  const asked = model.query as Record<string, any>;
  const resource = RESOURCES[asked['queryType']];
  if (!resource) {
    throw new Error(`The variable ${model.name} has a CloudWatch query that the local viewer does not support: ${asked['queryType']}.`);
  }
  const parameters = new URLSearchParams();
  const regionless = asked['queryType'] === 'regions';
  if (!regionless) {
    parameters.set('region', filler.replace(asked['region']));
  }
  for (const [key, name] of Object.entries({ namespace: 'namespace', metricName: 'metricName', dimensionKey: 'dimensionKey', attributeName: 'attributeName' })) {
    if (asked[key]) {
      parameters.set(name, filler.replace(asked[key]));
    }
  }
  if (resource === 'ec2-instance-attribute') {
    const filters: Record<string, string[]> = {};
    for (const [name, chosen] of Object.entries(asked['ec2Filters'] as Record<string, string[]>)) {
      filters[filler.replace(name)] = chosen.flatMap((one) => filler.expand(one));
    }
    parameters.set('filters', JSON.stringify(filters));
  }
  const answer = await get<Array<{ value: string | { name: string } }>>(
    `/api/datasources/uid/${filler.replace(model.datasource?.uid)}/resources/${resource}?${parameters}`
  );
  const values = answer.map(({ value }) => (typeof value === 'string' ? value : value.name));
  // As in Grafana (ResourcesAPI.ts, getRegions), `default` is the datasource's own region.
  return regionless ? ['default', ...values] : values;
}

/** The address's parameters for the chosen values and time range: `?var-…&from=…&to=…`. */
export function addressOf(variables: Variables, raw: RawTimeRange): string {
  const kept = [...variables.values()].filter(({ model }) => !model.skipUrlSync);
  return `?${[...kept.map(asParameters), timeParameters(raw)].filter(Boolean).join('&')}`;
}
