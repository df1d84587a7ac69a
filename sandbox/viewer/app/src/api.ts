/** Requests to the stack's Grafana, through the viewer's own server, which logs in. */
import { type DataFrame, dataFrameFromJSON, type DataFrameJSON } from '@grafana/data';

/** Concurrent requests, as in Grafana: a browser opens this many connections with HTTP/1.1. */
const CONCURRENT = 6;

let running = 0;
const waiting: Array<() => void> = [];

async function send(path: string, init?: RequestInit): Promise<unknown> {
  while (running >= CONCURRENT) {
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
  return (await send(path)) as T;
}

export interface QueryRequest {
  queries: Array<Record<string, unknown>>;
  from: string;
  to: string;
}

interface Results {
  results: Record<string, { frames?: DataFrameJSON[]; error?: string }>;
}

/** The frames of all queries, each with its query's refId; throws Grafana's error if one fails. */
export async function query(request: QueryRequest): Promise<DataFrame[]> {
  const { results } = (await send('/api/ds/query', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  })) as Results;
  const frames: DataFrame[] = [];
  for (const [refId, result] of Object.entries(results)) {
    if (result.error) {
      throw new Error(result.error);
    }
    for (const frame of result.frames ?? []) {
      frames.push({ ...dataFrameFromJSON(frame), refId });
    }
  }
  return frames;
}
