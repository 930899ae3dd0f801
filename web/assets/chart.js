// Draws the charts of a page with uPlot, in the place of the server's own.
/* global uPlot */

/** uPlot's own, with 24 hours a day. */
const TIMES = [
  [86_400 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);

function draw(figure) {
  const { kind, since, until, step, gap, at, down, lines } = JSON.parse(figure.dataset.chart);
  const plot = figure.querySelector(".plot");
  const reading = figure.querySelector(".reading");
  const names = Object.keys(lines);
  const isStacked = kind === "phases";
  // What a colour is now is known where it is used: in the legend.
  const styleOf = (name) => getComputedStyle(figure.querySelector(`figcaption ${name}`));

  // Points that are missing are gaps.
  const xs = [];
  const columns = names.map(() => []);
  const shares = [];
  at.forEach((x, n) => {
    const last = xs.at(-1);
    if (last !== undefined && x - last >= step + gap) {
      xs.push(last + step);
      shares.push(null);
      columns.forEach((column) => column.push(null));
    }
    xs.push(x);
    shares.push(down[n]);
    names.forEach((name, k) => columns[k].push(lines[name][n]));
  });
  let ys = columns;
  if (isStacked) {
    const sums = xs.map(() => 0);
    ys = columns.map((column) =>
      column.map((value, n) =>
        columns.every((one) => one[n] === null) ? null : sums[n] += value ?? 0
      )
    ).reverse();
  }
  const shown = isStacked ? names.toReversed() : names;
  const sorted = ys.flat().filter((y) => y !== null).sort((a, b) => a - b);
  const high = Math.max(sorted[Math.floor(sorted.length * 0.995)] ?? 1, (sorted.at(-1) ?? 0) / 4);
  let chart = null;

  function make() {
    chart?.destroy();
    plot.replaceChildren();
    const [dim, failed] = [styleOf(".key").color, styleOf(".failed").fill];
    const axis = {
      stroke: dim,
      grid: { stroke: styleOf(".reading").borderColor, width: 1 },
      ticks: { show: false },
      font: "11px system-ui",
    };
    chart = new uPlot(
      {
        width: plot.clientWidth,
        height: plot.clientHeight,
        legend: { show: false },
        cursor: { y: false, points: { size: 5 }, drag: { x: true, y: false, setScale: false } },
        scales: { x: { min: since, max: until }, y: { range: () => [0, high * 1.08 || 1] } },
        axes: [{ ...axis, size: 42, values: TIMES }, {
          ...axis,
          size: 56,
          values: (_, all) => all.map((v) => `${v} ms`),
        }],
        series: [
          {},
          ...shown.map((name) => {
            const points = { show: false };
            if (isStacked) {
              const { fill } = styleOf(`.phase-${names.indexOf(name) + 1}`);
              const paths = uPlot.paths.stepped({ align: 1 });
              return { stroke: fill, fill, width: 0, points, paths };
            }
            const { stroke, strokeWidth, strokeDasharray } = styleOf(`.${name}`);
            const dash = strokeDasharray === "none"
              ? []
              : strokeDasharray.split(",").map(parseFloat);
            return { stroke, width: parseFloat(strokeWidth), dash, points };
          }),
        ],
        hooks: {
          drawClear: [(u) => shade(u, failed, dim)],
          setCursor: [(u) => read(u.cursor.idx)],
          setSelect: [(u) => {
            if (u.select.width < 8) return;
            const [from, to] = [u.select.left, u.select.left + u.select.width].map((x) =>
              new Date(u.posToVal(x, "x") * 1_000).toISOString().slice(0, 19)
            );
            const address = new URL(location.href);
            address.searchParams.delete("range");
            address.searchParams.set("from", from);
            address.searchParams.set("to", to);
            location.assign(address);
          }],
        },
      },
      [xs, ...ys],
      plot,
    );
  }

  /** Behind the lines: where it was down, and where nobody looked. */
  function shade(u, failed, dim) {
    const { ctx, bbox } = u;
    const box = (from, to) => {
      const [a, b] = [Math.max(from, since), Math.min(to, until)].map((x) =>
        u.valToPos(x, "x", true)
      );
      return [a, bbox.top, Math.max(1, b - a), bbox.height];
    };
    ctx.save();
    ctx.fillStyle = failed;
    ctx.globalAlpha = 0.22;
    xs.forEach((x, n) => shares[n] > 0 && ctx.fillRect(...box(x, x + step)));
    ctx.globalAlpha = 0.5;
    ctx.strokeStyle = dim;
    ctx.lineWidth = 1;
    const known = at.map((x) => [x, x + step]);
    let last = since;
    for (const [from, to] of [...known, [until, until]]) {
      if (from - last >= gap) hatch(ctx, ...box(last, from));
      last = Math.max(last, to);
    }
    ctx.restore();
  }

  function hatch(ctx, left, top, width, height) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.beginPath();
    for (let x = left - height; x < left + width; x += 8) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }

  const when = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short" });
  function read(n) {
    if (n === null || n === undefined || xs[n] === undefined) return reading.textContent = "";
    const parts = names.map((name, k) => {
      const value = columns[k][n];
      return value === null ? null : `${name.replace("_", " ")} ${Number(value.toPrecision(3))} ms`;
    });
    const share = shares[n] > 0 ? [`${Math.round(shares[n] * 100)} % down`] : [];
    reading.textContent = [when.format(xs[n] * 1_000), ...parts.filter(Boolean), ...share].join(
      "  ",
    );
  }

  plot.tabIndex = 0;
  plot.setAttribute("role", "img");
  plot.setAttribute(
    "aria-label",
    `${kind === "phases" ? "Phases" : "Response time"}; arrow keys read the points`,
  );
  let key = null;
  plot.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!by) return;
    event.preventDefault();
    key = Math.min(Math.max(0, (key ?? xs.length) + by), xs.length - 1);
    chart.setCursor({ left: chart.valToPos(xs[key], "x"), top: 10 });
    read(key);
  });
  make();
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(plot.clientWidth - width) < 2) return;
    width = plot.clientWidth;
    chart.setSize({ width, height: plot.clientHeight });
  }).observe(plot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
}
