// The page's script: looks at /v1/status and /v1/requests every few seconds and shows what it finds. It asks the API like
// anybody else; the token, where one is wanted, stays in this tab (sessionStorage). All text is set as text, never as HTML.

export const PAGE_SCRIPT = `
"use strict";
const EVERY_MS = 3000, PAGE = 24, KEEP_IMAGES = 400;
const $ = (id) => document.getElementById(id);
const images = new Map();
let shown = PAGE, timer;

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function ask(path) {
  const token = sessionStorage.getItem("token");
  const answer = await fetch(path, { headers: token ? { authorization: "Bearer " + token } : {} });
  if (answer.status === 401) throw Object.assign(new Error("token"), { wantsToken: true });
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error?.message ?? "The server answered " + answer.status);
  return answer;
}

// with a token an image cannot be asked for by its address alone
async function imageUrl(path) {
  if (!sessionStorage.getItem("token")) return path;
  if (!images.has(path)) images.set(path, ask(path).then((answer) => answer.blob()).then(URL.createObjectURL));
  if (images.size > KEEP_IMAGES) forget(images.keys().next().value);
  return images.get(path);
}

function forget(path) {
  images.get(path)?.then(URL.revokeObjectURL, () => {});
  images.delete(path);
}

function picture(asset, alt, form = "content") {
  const path = "v1/assets/" + asset.digest + "/" + form;
  const img = element("img", { alt, loading: "lazy", decoding: "async" });
  imageUrl(path).then((url) => { img.src = url; }, () => { images.delete(path); });
  return img;
}

const number = (value) => value.toLocaleString();
const duration = (seconds) => {
  if (seconds <= 0) return "now";
  const [amount, unit] = seconds < 120 ? [seconds, "s"] : seconds < 7200 ? [seconds / 60, "min"] : seconds < 172800 ? [seconds / 3600, "h"] : [seconds / 86400, "d"];
  return (amount >= 10 ? Math.round(amount) : Math.round(amount * 10) / 10) + " " + unit;
};
const ago = (time) => {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  return seconds < 5 ? "just now" : duration(seconds) + " ago";
};

function tile(label, value, tone = "") {
  return element("div", { className: "tile " + tone }, element("b", { textContent: value }), element("span", { textContent: label }));
}

function showStatus(status) {
  const { requests, calls, generate, archive } = status;
  const going = requests.generating + requests.copying;
  const loss = status.seconds_to_nearest_loss;
  $("tiles").replaceChildren(
    tile("archived", number(requests.archived), "good"),
    tile("on their way", number(going), going ? "busy" : ""),
    tile("queued", number(requests.queued)),
    tile("failed", number(requests.failed), requests.failed ? "bad" : ""),
    tile("parked", number(requests.parked), requests.parked ? "wait" : ""),
    tile("paid calls", number(calls.answered)),
    tile("unknown calls", number(calls.unknown), calls.unknown ? "wait" : ""),
    tile("workers", number((status.workers ?? []).filter((worker) => worker.alive).length), (status.workers ?? []).some((worker) => worker.alive) ? "" : "bad"),
    tile("nearest loss", loss === null ? "none" : duration(loss), loss !== null && loss < 86400 ? "bad" : ""),
  );
  const notes = [];
  const alive = (status.workers ?? []).filter((worker) => worker.alive);
  const dead = (status.workers ?? []).filter((worker) => !worker.alive);
  const left = dead.reduce((jobs, worker) => jobs + (worker.generate ?? 0) + (worker.archive ?? 0), 0);
  if (alive.length === 0) notes.push(["No worker is running" + (status.last_worker_seen ? "; the last one was seen " + ago(status.last_worker_seen) : "") + ": nothing is called or archived. Start one with asset-archiver worker", "bad"]);
  if (left > 0) notes.push([number(left) + " jobs are in the hands of a dead worker; another one takes them over", "bad"]);
  if (generate === null || archive === null) notes.push(["Redis cannot be reached: nothing moves until it is back", "bad"]);
  if (status.gate?.reason) notes.push(["Calls are held back: " + status.gate.reason, ""]);
  $("notes").replaceChildren(...notes.map(([text, tone]) => element("p", { className: "note " + tone, textContent: text })));
}

const BUSY = ["queued", "generating", "copying"];

function card(request) {
  const [first] = request.assets;
  const frame = element("div", { className: "frame" + (!first && BUSY.includes(request.state) ? " busy" : "") });
  if (first) frame.append(picture(first, request.prompt ?? "", "thumbnail"));
  else if (!BUSY.includes(request.state)) frame.textContent = request.error?.code ?? "no image";
  if (request.assets.length > 1) frame.append(element("span", { className: "more", textContent: "1 of " + request.assets.length }));
  const foot = element("div", { className: "foot" },
    element("span", { className: "state " + request.state, textContent: request.state }),
    element("span", { textContent: ago(request.created_at) }));
  const words = element("div", { className: "words" }, element("p", { textContent: request.prompt ?? request.error?.message ?? "" }), foot);
  const made = element("button", { className: "piece", type: "button", title: request.request_id }, frame, words);
  made.onclick = () => showDetail(request);
  return made;
}

function stamp(request) { return [request.state, request.assets.length, request.error?.code].join(); }

// cards that did not change stay, so that nothing flickers and no image is loaded twice
function showGallery({ data, next_cursor }) {
  const before = new Map([...$("gallery").children].map((child) => [child.dataset.id, child]));
  const cards = data.map((request) => {
    const old = before.get(request.request_id);
    if (old?.dataset.stamp === stamp(request)) {
      old.querySelector(".foot span:last-child").textContent = ago(request.created_at);
      return old;
    }
    const made = card(request);
    Object.assign(made.dataset, { id: request.request_id, stamp: stamp(request) });
    return made;
  });
  if (cards.length !== before.size || cards.some((one, at) => $("gallery").children[at] !== one)) $("gallery").replaceChildren(...cards);
  $("empty").hidden = cards.length > 0;
  $("more").hidden = next_cursor === null || shown >= 200;
}

function showDetail(request) {
  const facts = [
    ["request", request.request_id], ["state", request.state + (request.error ? " (" + request.error.code + ")" : "")],
    ["reason", request.error?.message], ["model", request.model], ["seed", request.seed], ["aspect ratio", request.aspect_ratio],
    ["steps", request.steps], ["guidance", request.guidance_scale], ["not", request.negative_prompt], ["collection", request.collection],
    ["batch", request.batch], ["tags", request.tags.join(", ")], ["answered by", request.reused_from], ["calls", request.calls.length],
    ["created", new Date(request.created_at).toLocaleString()], ["recipe", request.recipe_id],
    ...request.assets.map((asset) => ["image " + (asset.index + 1), asset.width + " × " + asset.height + ", " + number(Math.ceil(asset.bytes / 1024)) + " KiB, " + asset.digest]),
  ].filter(([, value]) => value !== undefined && value !== null && value !== "");
  const list = element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: String(value) })]));
  const close = element("button", { className: "close", textContent: "×", type: "button", ariaLabel: "Close" });
  close.onclick = () => $("dialog").close();
  $("dialog").replaceChildren(
    element("div", { className: "detail" },
      element("div", { className: "shots" }, ...request.assets.map((asset) => picture(asset, request.prompt ?? ""))),
      element("div", { className: "facts" }, element("h3", { textContent: request.prompt ?? "" }), list)),
    close);
  $("dialog").showModal();
}

function live(on, text) {
  $("live").className = "live " + (on ? "on" : "off");
  $("live").textContent = text;
}

async function look() {
  clearTimeout(timer);
  try {
    const [status, page] = await Promise.all(["v1/status", "v1/requests?limit=" + shown].map((path) => ask(path).then((answer) => answer.json())));
    $("token").hidden = true;
    $("content").hidden = false;
    showStatus(status);
    showGallery(page);
    live(status.workers?.some((worker) => worker.alive) ?? true, status.workers?.some((worker) => worker.alive) === false ? "no worker running" : "live");
  } catch (error) {
    if (error.wantsToken) askForToken();
    else live(false, error instanceof TypeError ? "the server cannot be reached" : error.message);
  }
  if ($("token").hidden) timer = setTimeout(look, EVERY_MS);
}

function askForToken() {
  sessionStorage.removeItem("token");
  $("content").hidden = true;
  $("token").hidden = false;
  live(false, "a token is wanted");
}

$("token").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("secret").value.trim());
  $("secret").value = "";
  $("token").hidden = true;
  look();
};
$("more").onclick = () => { shown = Math.min(200, shown + PAGE); look(); };
$("dialog").onclick = (event) => { if (event.target === $("dialog")) $("dialog").close(); };
document.onvisibilitychange = () => (document.hidden ? clearTimeout(timer) : look());
look();
`;
