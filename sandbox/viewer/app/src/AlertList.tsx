/** The alerts that fire or are pending and match a filter of labels, as in Grafana's alert list. */
import { dateTime } from '@grafana/data';
import { useEffect, useState } from 'react';

import { get } from './api';

interface Alert {
  state: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  activeAt: string;
}

interface Rules {
  data: { groups: Array<{ rules: Array<{ name: string; alerts: Alert[] }> }> };
}

const SHOWN = ['Alerting', 'Recovering', 'Pending', 'Error'];
const COLOURS: Record<string, string> = { Alerting: '#F2495C', Error: '#F2495C', Recovering: '#FF9830', Pending: '#FF9830' };

/** Whether the labels match each `name="value"` of `{…}`. */
function matches(matcher: string, labels: Record<string, string>): boolean {
  return [...matcher.matchAll(/(\w+)="([^"]*)"/g)].every(([, name, value]) => labels[name!] === value);
}

export function AlertList({ matcher }: { matcher: string }) {
  const [alerts, setAlerts] = useState<Alert[]>([]);
  useEffect(() => {
    let current = true;
    get<Rules>('/api/prometheus/grafana/api/v1/rules').then(({ data }) => {
      const all = data.groups.flatMap(({ rules }) => rules.flatMap((rule) => rule.alerts));
      const shown = all.filter((alert) => SHOWN.some((state) => alert.state.startsWith(state)) && matches(matcher, alert.labels));
      return current && setAlerts(shown);
    });
    return () => {
      current = false;
    };
  }, [matcher]);
  if (alerts.length === 0) {
    return <p>No alerts matching filters</p>;
  }
  return (
    <ul style={{ listStyle: 'none', overflow: 'auto', height: '100%' }}>
      {alerts.map(({ state, labels, annotations, activeAt }) => (
        <li key={labels['alertname']} style={{ padding: '4px 0' }}>
          <b style={{ color: COLOURS[state.split(' ')[0]!] }}>{state === 'Alerting' ? 'Firing' : state}</b> {labels['alertname']}, since{' '}
          {dateTime(activeAt).fromNow(true)}
          <br />
          {annotations['summary']}
        </li>
      ))}
    </ul>
  );
}
