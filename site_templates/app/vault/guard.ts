/** Defence in depth: the vault needs no interface that sends or stores, so none stays. The policy is what holds (connect-src 'none'). */

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
  "BroadcastChannel",
  "Notification",
  "PaymentRequest",
  "PresentationRequest",
  "indexedDB",
  "caches",
  "cookieStore",
  "launchQueue",
  "open",
] as const;

/** Delete the interfaces from `scope` and sendBeacon from its navigator. */
export function removeNetworkInterfaces(scope: Window): void {
  for (const name of NAMES) Reflect.deleteProperty(scope, name);
  Reflect.deleteProperty(Object.getPrototypeOf(scope.navigator) as object, "sendBeacon");
}
