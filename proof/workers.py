"""A page that tells which workers start where: frames of both origins, policies, kinds and addresses of workers."""

import json

_TRY = """
const source = "postMessage(1)";
const addresses = {
  blob: () => URL.createObjectURL(new Blob([source], { type: "text/javascript" })),
  data: () => "data:text/javascript," + source,
  url: () => BASE + "worker.js",
};
for (const [address, make] of Object.entries(addresses)) for (const type of ["classic", "module"]) {
  const say = (result) => parent.postMessage([PLACE, address, type, result], "*");
  try {
    const worker = new Worker(make(), { type });
    worker.onmessage = () => say("starts");
    worker.onerror = (event) => { event.preventDefault(); say("fails"); };
  } catch (error) { say("refused"); }
}
"""

FRAMES = {"same origin": None, "opaque": "allow-scripts"}
POLICIES = {
    "no policy": "",
    "vault's policy": (
        "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'; "
        "frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    ),
}
CASES = len(FRAMES) * len(POLICIES) * 6
NEEDED = ("opaque, vault's policy", "blob", "classic")
"""The engine is started so; in every browser this must start."""
FORBIDDEN = (("opaque, vault's policy", "url", "classic"), ("opaque, vault's policy", "url", "module"))
"""A worker from an address has the policy of its own response: none may start in the vault."""


def make_worker_page() -> dict[str, bytes]:
    """Return a site whose page notes [place, address, type, result] in `self.results`."""
    places = []
    for frame, sandbox in FRAMES.items():
        for name, policy in POLICIES.items():
            meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
            script = _TRY.replace("PLACE", json.dumps(f"{frame}, {name}"))
            places.append((sandbox, meta, script))
    listed = json.dumps(places).replace("<", "\\u003c")
    page = f"""<!doctype html><meta charset="utf-8"><title>workers</title><body><script>
self.results = [];
addEventListener("message", ({{ data }}) => results.push(data));
for (const [sandbox, meta, script] of {listed}) {{
  const frame = document.createElement("iframe");
  if (sandbox) frame.sandbox = sandbox;
  const base = JSON.stringify(location.href);
  frame.srcdoc = meta + "<script>" + script.replaceAll("BASE", base) + "<" + "/script>";
  document.body.append(frame);
}}
</script>"""
    return {"index.html": page.encode(), "worker.js": b"postMessage(1)"}
