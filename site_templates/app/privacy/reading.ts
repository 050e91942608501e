/** What the privacy page asks its own server for: the list of digests, and how the workspace is delivered. */

import { hashNow } from "../shared/sha256";

/** A page of this site as it is delivered now. */
export interface Delivery {
  /** The policy that stands in the page. */
  readonly page: string;
  /** The policy that the server, or the service worker in its place, sends with it; null if none. */
  readonly header: string | null;
}

/** Return the SHA-256 of SHA256SUMS, or null if it cannot be had. `root` is the relative address of the site's root. */
export async function readListDigest(root: string): Promise<string | null> {
  const response = await request(`${root}SHA256SUMS`);
  return response ? hashNow(new Uint8Array(await response.arrayBuffer())) : null;
}

/** Return how the workspace is delivered, or null if that cannot be told. */
export async function readDelivery(root: string): Promise<Delivery | null> {
  const response = await request(`${root}predict/`);
  if (!response) return null;
  const match = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(await response.text());
  return { page: match?.[1] ?? "", header: response.headers.get("Content-Security-Policy") };
}

async function request(address: string): Promise<Response | null> {
  try {
    const response = await fetch(address, { credentials: "omit", redirect: "error", cache: "no-cache" });
    return response.ok ? response : null;
  } catch {
    return null;
  }
}
