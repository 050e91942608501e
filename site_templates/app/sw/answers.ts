/** Responses with the headers of this build, as the emitted server configurations send them. */

import { isWebKit } from "../shared/webkit";
import { TABLE, type HeaderClass, type ServedFile } from "./table";

const POLICY = "Content-Security-Policy";
const ISOLATION = "Cross-Origin-Embedder-Policy";

/** A verified file: its type is the builder's, whatever the server called it. */
export function answerFile(bytes: ArrayBuffer, file: ServedFile, status = 200): Response {
  const headers = addHeaders(new Headers({ "Content-Type": file.type, "Cache-Control": "no-cache" }), file.headers);
  return new Response(bytes, { status, headers });
}

/** What the server sends, as it comes. The page that asked verifies it, and names what is wrong with it. */
export function answerStream(response: Response, headers: HeaderClass): Response {
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers: addHeaders(new Headers(response.headers), headers) });
}

/** A page of a few words, for a navigation that cannot be answered from this build. */
export function answerSentence(status: number, english: string, german: string): Response {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>webipred</title><p>${english}</p><p lang="de">${german}</p>`;
  return new Response(page, {
    status,
    headers: addHeaders(new Headers({ "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" }), "data"),
  });
}

/** A policy of the server stays in force beside ours; a header that could weaken ours is replaced. */
function addHeaders(headers: Headers, headerClass: HeaderClass): Headers {
  for (const [name, value] of Object.entries(TABLE.headers[headerClass])) {
    if (name !== POLICY) headers.set(name, value);
    else if (headers.get(name) !== value) headers.append(name, value);
  }
  // WebKit reports an isolated frame, has no shared memory in it, and starts no worker there: threads are lost anyway.
  if (isWebKit(navigator.userAgent)) headers.delete(ISOLATION);
  return headers;
}
