/** What the viewer asks the stack's Grafana, through the viewer's own server (which logs in). */
import { type DataFrame, dataFrameFromJSON, type DataFrameJSON } from '@grafana/data';

/** Questions at the same time: Grafana asks as many as HTTP/1.1 has connections. */
const AT_ONCE = 6;

let running = 0;
const waiting: Array<() => void> = [];

async function asked(path: string, init?: RequestInit): Promise<unknown> {
  while (running >= AT_ONCE) {
    await new Promise<void>((go) => waiting.push(go));
  }
  running += 1;
  try {
    const response = await fetch(path, init);
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok && !(body && typeof body === 'object' && 'results' in body)) {
      const message = body && typeof body === 'object' && 'message' in body ? String(body.message) : response.statusText;
      throw new Error(`${response.status} ${message}`);
    }
    return body;
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

export async function get<T>(path: string): Promise<T> {
  return (await asked(path)) as T;
}

export interface Question {
  queries: Array<Record<string, unknown>>;
  from: string;
  to: string;
}

interface Answer {
  results: Record<string, { frames?: DataFrameJSON[]; error?: string }>;
}

/** The frames of all queries, each with its query's refId; throws what Grafana says is wrong. */
export async function query(question: Question): Promise<DataFrame[]> {
  const answer = (await asked('/api/ds/query', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(question),
  })) as Answer;
  const frames: DataFrame[] = [];
  for (const [refId, result] of Object.entries(answer.results)) {
    if (result.error) {
      throw new Error(result.error);
    }
    for (const frame of result.frames ?? []) {
      frames.push({ ...dataFrameFromJSON(frame), refId });
    }
  }
  return frames;
}
