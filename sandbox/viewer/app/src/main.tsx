/** The local viewer (not Grafana): the stack's dashboards, drawn with the components that Grafana publishes. */
import 'uplot/dist/uPlot.min.css';

import { createTheme, locationUtil, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { Alert, GlobalStyles, PortalContainer } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { get } from './api';
import { Dashboard } from './Dashboard';
import type { DashboardModel } from './model';
import { registerTransformers } from './registries';

interface Listed {
  uid: string;
  title: string;
  description: string;
}

/** Every dashboard with the first paragraph of its description; the next paragraph says how it is managed. */
async function list(): Promise<Listed[]> {
  const found = await get<Array<{ uid: string; title: string }>>('/api/search?type=dash-db');
  return Promise.all(
    found.map(async ({ uid, title }) => {
      const { dashboard } = await get<{ dashboard: DashboardModel }>(`/api/dashboards/uid/${uid}`);
      return { uid, title, description: dashboard.description?.split('\n\n')[0] ?? '' };
    })
  );
}

function Page() {
  const uid = /^\/d\/([^/]+)/.exec(location.pathname)?.[1];
  const [dashboard, setDashboard] = useState<DashboardModel>();
  const [listed, setListed] = useState<Listed[]>();
  const [failure, setFailure] = useState('');
  useEffect(() => {
    const loading = uid
      ? get<{ dashboard: DashboardModel }>(`/api/dashboards/uid/${uid}`).then((answer) => setDashboard(answer.dashboard))
      : list().then(setListed);
    loading.catch((error: unknown) => setFailure(String(error)));
  }, [uid]);
  useEffect(() => {
    document.title = `${dashboard?.title ?? 'Dashboards'} · local viewer`;
  }, [dashboard]);
  return (
    <main style={{ padding: 16 }}>
      <header style={{ display: 'flex', gap: 16, alignItems: 'baseline', marginBottom: 8 }}>
        <h2 style={{ whiteSpace: 'nowrap' }}>{dashboard?.title ?? 'Dashboards'}</h2>
        <span data-caption>
          <a href="/">All dashboards</a> · This is the local viewer, not Grafana: this stack's dashboards and data, read-only, drawn
          with Grafana's published components.
        </span>
      </header>
      {failure && <Alert title={failure} />}
      {dashboard && <Dashboard dashboard={dashboard} />}
      {listed?.map((each) => (
        <section key={each.uid} data-listed style={{ maxWidth: 720, marginTop: 24 }}>
          <h4>
            <a href={`/d/${each.uid}`} style={{ textDecoration: 'underline' }}>
              {each.title}
            </a>
          </h4>
          {each.description}
        </section>
      ))}
    </main>
  );
}

/** Whether the system or browser prefers light colours. */
const light = matchMedia('(prefers-color-scheme: light)');

async function start(): Promise<void> {
  light.addEventListener('change', () => location.reload());
  await initPluginTranslations('local-viewer');
  registerTransformers();
  locationUtil.initialize({
    config: { appSubUrl: '' } as Parameters<typeof locationUtil.initialize>[0]['config'],
    getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
    getVariablesUrlParams: () => ({}),
  });
  createRoot(document.getElementById('page')!).render(
    <ThemeContext.Provider value={createTheme({ colors: { mode: light.matches ? 'light' : 'dark' } })}>
      <GlobalStyles />
      <Page />
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

void start();
