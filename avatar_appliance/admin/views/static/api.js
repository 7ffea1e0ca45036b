// The HTTP API, as the pages use it. The cookie of `/api/session` says who asks.

/** A refusal: `code`, `text` and `hint` as in docs/errors.md, `remarks` of a refused recording, and what `more` it told. */
export class ApiError extends Error {
  constructor({ status = 0, code = "unreachable", detail = "", hint = "", remarks = [], ...more }) {
    super(detail || code);
    Object.assign(this, { status, code, text: detail, hint, remarks, more });
  }
}

const signedOut = new Set();

/** Have `listener` called whenever the box does not know us (any more); returns what ends that. */
export function onSignedOut(listener) {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

/** Ask; `body` is JSON unless it is a form or a Blob. Returns the data, a Blob for anything but JSON, null for nothing. */
export async function ask(method, path, options = {}) {
  const response = await answered(method, path, options);
  if (response.status === 204) return null;
  return typeOf(response).includes("application/json") ? response.json() : response.blob();
}

/** Ask, and yield the Server-Sent Events of the answer as `{name, data}`; leaving the loop hangs up. */
export async function* stream(path, options) {
  const response = await answered("POST", path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (waiting + value).split("\n\n");
      waiting = events.pop();
      for (const event of events) {
        const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
        if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
      }
    }
  } catch (error) {
    throw error.name === "AbortError" || error instanceof ApiError ? error : new ApiError({});
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function answered(method, path, { body, token, signal }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const isJson = body !== undefined && !(body instanceof FormData || body instanceof Blob);
  if (isJson) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: isJson ? JSON.stringify(body) : body });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({});
  }
  if (response.ok) return response;
  const problem = typeOf(response).includes("json") ? await response.json().catch(() => ({})) : {};
  const error = new ApiError({ ...problem, status: response.status });
  if (response.status === 401 && !token) signedOut.forEach((listener) => listener());
  throw error;
}

const typeOf = (response) => response.headers.get("Content-Type") ?? "";

export const get = (path, options) => ask("GET", path, options);
