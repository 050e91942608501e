/** Defence in depth: the vault needs no network interface, so none stays. The policy is what holds (connect-src 'none'). */

const NAMES = [
  "RTCPeerConnection",
  "webkitRTCPeerConnection",
  "RTCDataChannel",
  "WebSocket",
  "WebSocketStream",
  "fetch",
  "fetchLater",
  "XMLHttpRequest",
  "EventSource",
  "WebTransport",
  "SharedWorker",
  "open",
] as const;

/** Delete the interfaces from `scope` and sendBeacon from its navigator. */
export function removeNetworkInterfaces(scope: Window): void {
  for (const name of NAMES) Reflect.deleteProperty(scope, name);
  Reflect.deleteProperty(Object.getPrototypeOf(scope.navigator) as object, "sendBeacon");
}
