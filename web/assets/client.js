// What a page does with JavaScript: times stay true, strips tell their cells, rows unfold on a small
// screen, and changes arrive by themselves. Everything is there without it, too.

const root = document.documentElement;
root.classList.add("js");

/** In two units at most, as the server has it. */
function span(ms, most) {
  const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];
  const at = units.findIndex(([size]) => ms >= size);
  if (at === -1) return "0 s";
  const [size, unit] = units[at];
  const rest = units[at + 1] ? Math.floor(ms % size / units[at + 1][0]) : 0;
  const whole = `${Math.floor(ms / size)} ${unit}`;
  return most === 1 || rest === 0 || ms >= 864_000_000
    ? whole
    : `${whole} ${rest} ${units[at + 1][1]}`;
}

const zoned = new Intl.DateTimeFormat([], {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
  hourCycle: "h23",
});

function tellTimes(within = document) {
  for (const time of within.querySelectorAll("time[data-ago], time[data-since]")) {
    const ms = Date.now() - Date.parse(time.dateTime);
    const isAgo = "ago" in time.dataset;
    const text = isAgo ? (ms < 0 ? `in ${span(-ms, 1)}` : `${span(ms, 1)} ago`) : span(ms, 2);
    if (time.textContent !== text) time.textContent = text;
    if (!time.dataset.zoned) {
      time.dataset.zoned = "yes";
      time.title = `${isAgo ? "" : "since "}${zoned.format(new Date(time.dateTime))}`;
    }
  }
}
const local = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short" });

function tellZones(within = document) {
  for (const time of within.querySelectorAll("time[data-local]")) {
    time.textContent = local.format(new Date(time.dateTime));
    time.title = zoned.format(new Date(time.dateTime));
  }
}
tellTimes();
tellZones();
setInterval(tellTimes, 5_000);

for (const form of document.querySelectorAll("form[data-submit]")) {
  form.addEventListener("change", ({ target }) => target.matches("select") && form.requestSubmit());
  // An empty field is no part of the address.
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}

// Strips

const STATES = {
  u: "up",
  g: "degraded",
  d: "down",
  k: "unknown",
  m: "maintenance",
  n: "not observed",
};
const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
tip.setAttribute("role", "status");
document.body.append(tip);

/** What each cell of a strip is, in words; null: blank. */
function cellsOf(strip) {
  if (strip.cells) return strip.cells;
  const cells = strip.dataset.cells.split(" ").flatMap((token) => {
    const [, n, letter, value] = /^(\d*)([a-z-])(.*)$/.exec(token);
    return Array(Number(n || 1)).fill(letter === "-" ? null : { letter, value });
  });
  let ts = Number(strip.dataset.checks);
  const day = new Intl.DateTimeFormat([], { dateStyle: "medium", timeZone: "UTC" });
  strip.cells = cells.map((cell, n) => {
    if (cell === null) return null;
    if (strip.dataset.days) {
      const date = day.format(Date.parse(strip.dataset.days) + n * 86_400_000);
      return `${date}: ${cell.letter === "d" ? `${cell.value} % up` : STATES[cell.letter]}`;
    }
    const [seconds, ms] = cell.value.split(":");
    ts += Number(seconds) * 1_000;
    return `${zoned.format(ts)}: ${STATES[cell.letter]}${ms ? `, ${ms} ms` : ""}`;
  });
  return strip.cells;
}

function tell(strip, n) {
  const cells = cellsOf(strip);
  const text = cells[n];
  tip.hidden = !text;
  if (!text) return;
  if (tip.textContent !== text) tip.textContent = text;
  const box = strip.getBoundingClientRect();
  const middle = box.left + (n + 0.5) / cells.length * box.width;
  const left = Math.min(
    Math.max(4, middle - tip.offsetWidth / 2),
    innerWidth - tip.offsetWidth - 12,
  );
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${box.top + scrollY - tip.offsetHeight - 4}px`;
}

function listen(strip) {
  strip.setAttribute("tabindex", "0");
  let at = null;
  strip.addEventListener("pointermove", ({ clientX }) => {
    const { left, width } = strip.getBoundingClientRect();
    tell(strip, Math.floor((clientX - left) / width * cellsOf(strip).length));
  });
  strip.addEventListener(
    "focus",
    () => strip.matches(":focus-visible") && tell(strip, at ??= cellsOf(strip).length - 1),
  );
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max(0, at + step), cellsOf(strip).length - 1);
    tell(strip, at);
  });
  for (const type of ["pointerleave", "blur"]) {
    strip.addEventListener(type, () => tip.hidden = true);
  }
}
document.querySelectorAll(".strip").forEach(listen);
addEventListener("keydown", ({ key }) => key === "Escape" && (tip.hidden = true));

// What is wider than the screen can be reached by keyboard.
for (const wide of document.querySelectorAll(".wide")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}

// Rows on a small screen

for (const row of document.querySelectorAll("tr[data-site]")) {
  const more = Object.assign(document.createElement("button"), {
    className: "more",
    textContent: "▾",
  });
  more.type = "button";
  more.setAttribute("aria-label", `Figures of ${row.querySelector(".name a").textContent}`);
  more.setAttribute("aria-expanded", "false");
  more.addEventListener("click", () => {
    more.setAttribute("aria-expanded", String(row.classList.toggle("open")));
  });
  const cell = document.createElement("td");
  cell.className = "unfold";
  cell.append(more);
  row.querySelector(".name").after(cell);
}

// What arrives by itself

const news = document.getElementById("news");
let pending = null;
let movedAt = 0;
addEventListener("pointermove", () => movedAt = Date.now());

/** Whether somebody may be about to click, or reads with the keyboard. */
function isBusy() {
  const main = document.getElementById("main");
  const { activeElement } = document;
  return main.matches(":hover") && Date.now() - movedAt < 3_000 ||
    main !== activeElement && main.contains(activeElement);
}

function put(element, html) {
  if (!element || element.innerHTML === html) return;
  element.innerHTML = html;
  element.classList.remove("fresh");
  void element.offsetWidth;
  element.classList.add("fresh");
  tellTimes(element);
}

/** What would move others waits until nobody is there. */
function putPending() {
  if (pending === null || isBusy()) return;
  put(document.getElementById("now"), pending);
  pending = null;
}

const { live } = document.body.dataset;
if (live) {
  const source = new EventSource(live);
  addEventListener("pagehide", () => source.close());
  source.addEventListener("sites", ({ data }) => {
    // The first sites ever: there is nothing yet that could move.
    if (document.querySelector("[data-empty]")) return location.reload();
    const { rows, now, title, text } = JSON.parse(data);
    for (const { id, is, since } of rows) {
      const row = document.querySelector(`tr[data-site="${id}"]`);
      put(row?.querySelector(".is"), is);
      put(row?.querySelector(".since"), since);
    }
    const heading = document.querySelector("#now h1");
    if (heading) {
      document.title = document.title.replace(/^.* · /, `${title} · `);
      if (heading.textContent !== title) heading.textContent = title;
      pending = now;
      putPending();
    }
    news.textContent = text;
    const stale = document.getElementById("stale");
    if (stale) stale.hidden = false;
  });
  source.addEventListener(
    "head",
    ({ data }) => put(document.getElementById("head"), JSON.parse(data)),
  );
  setInterval(putPending, 1_000);
}

// The status page has no stream: everybody may be on it.

const { refresh } = document.querySelector("main").dataset;
if (refresh) {
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const anew = new DOMParser().parseFromString(await answer.text(), "text/html");
    tellZones(anew);
    document.querySelector("main").replaceWith(anew.querySelector("main"));
    for (const strip of document.querySelectorAll(".strip")) listen(strip);
  }, refresh * 1_000);
}
