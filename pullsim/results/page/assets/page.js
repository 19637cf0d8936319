"use strict";
// Draws the charts of a page from the data in it, in the colours that the reader's system prefers, and makes its tables
// sortable. Nothing is loaded, and texts become text nodes or values of Vega, never HTML.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();
  const chosen = new Map();
  const PAPER = 680;

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  function rows(table) {
    const names = Object.keys(table);
    const columns = names.map((name) => table[name].texts ? table[name].codes.map((code) => table[name].texts[code]) : table[name]);
    const count = columns.length ? columns[0].length : 0;
    return Array.from({ length: count }, (_, row) => Object.fromEntries(names.map((name, place) => [name, columns[place][row]])));
  }

  function config(theme, width) {
    const font = "system-ui, sans-serif";
    return {
      background: "transparent",
      font,
      view: { stroke: null },
      axis: {
        labelColor: theme.ink, titleColor: theme.ink, gridColor: theme.grid, domainColor: theme.faint,
        tickColor: theme.faint, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      },
      axisX: { tickCount: Math.max(3, Math.floor(width / 90)), labelOverlap: true },
      axisY: { tickCount: 6 },
      legend: {
        orient: "bottom", direction: "horizontal", columns: Math.max(1, Math.floor(width / 190)), labelColor: theme.ink,
        labelFontSize: 12, labelLimit: Math.min(300, width - 60), symbolOpacity: 1, symbolSize: 220, symbolStrokeWidth: 2,
      },
      mark: { color: theme.series[0] },
      range: { category: theme.series },
      style: {
        fault: { color: theme.shade, opacity: 0.75 },
        failure: { color: theme.failure, opacity: 1 },
        stage: { stroke: theme.outline, strokeWidth: 0.5 },
        faint: { color: theme.faint },
        value: { color: theme.ink, fontSize: 12 },
      },
    };
  }

  // Widths of names beside an axis depend on the width of the screen, colours of stages on the theme.
  function adapted(spec, width, theme) {
    const limits = { names: Math.round(Math.min(340, width * 0.36)), rows: Math.round(Math.min(300, width * 0.36)) };
    return JSON.parse(JSON.stringify(spec), (key, value) => {
      if (key === "labelLimit") return limits[value] ?? value;
      return value?.range === "stages" ? { ...value, range: value.domain.map((label) => theme.stages[label]) } : value;
    });
  }

  function showTip(_, event, __, value) {
    if (value == null || value === "") {
      tip.hidden = true;
      return;
    }
    const lines = typeof value === "object" ? Object.entries(value) : [["", value]];
    tip.replaceChildren(...lines.map(([name, text]) => {
      const line = document.createElement("div");
      const strong = document.createElement("strong");
      const bdi = document.createElement("bdi");
      strong.textContent = name ? `${name} ` : "";
      bdi.textContent = String(text);
      line.append(strong, bdi);
      return line;
    }));
    tip.hidden = false;
    const { clientWidth, clientHeight } = document.documentElement;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, clientWidth - tip.offsetWidth - 4))}px`;
    const below = event.clientY + 18 + tip.offsetHeight < clientHeight;
    tip.style.top = `${below ? event.clientY + 18 : Math.max(4, event.clientY - tip.offsetHeight - 12)}px`;
  }

  // A height by the number of bars: Vega-Lite's own does not go with a width that is given.
  function height(spec, datasets) {
    if (typeof spec.height !== "object") return spec.height;
    const bars = (spec.layer ?? [spec])[0];
    const field = bars.encoding.y.field;
    return spec.height.step * Math.max(1, new Set(datasets[bars.data.name].map((row) => row[field])).size);
  }

  function draw(chart, paper) {
    const figure = document.getElementById(`chart-${chart.name}`);
    const place = figure.querySelector(".drawing");
    const width = paper ? PAPER : place.clientWidth;
    const theme = page.themes[dark.matches && !paper ? "dark" : "light"];
    const data = chart.options ? chart.options[chosen.get(chart.name) ?? 0][1] : chart.data;
    const datasets = Object.fromEntries(Object.entries(data).map(([name, table]) => [name, rows(table)]));
    const wanted = adapted(chart.spec, width, theme);
    // A layer without data has no extent, which Vega warns of.
    if (wanted.layer) wanted.layer = wanted.layer.filter((layer) => datasets[layer.data.name].length > 0);
    const spec = {
      ...wanted, datasets, width, height: height(chart.spec, datasets), config: config(theme, width), description: `${chart.title}. ${chart.description}`,
      autosize: { type: "fit-x", contains: "padding" },
    };
    drawn.get(chart.name)?.view.finalize();
    place.replaceChildren();
    const compiled = vegaLite.compile(spec).spec;
    const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
      expr: vega.expressionInterpreter, renderer: "svg", container: place, hover: true, logLevel: vega.Warn, tooltip: showTip,
    });
    view.run();
    drawn.set(chart.name, { view, width });
    figure.classList.add("drawn");
  }

  function drawAll(paper = false) {
    tip.hidden = true;
    for (const chart of page.charts) draw(chart, paper);
  }

  function choose(chart) {
    const label = document.querySelector(`#chart-${chart.name} .choice`);
    const input = label.querySelector("input");
    label.hidden = false;
    input.addEventListener("focus", () => input.select());
    input.addEventListener("change", () => {
      const wanted = input.value.trim().toLowerCase();
      const names = chart.options.map(([name]) => name.toLowerCase());
      let place = names.indexOf(wanted);
      if (place < 0) place = names.findIndex((name) => name.includes(wanted));
      input.setCustomValidity(place < 0 ? "none of the nodes in this page" : "");
      input.reportValidity();
      if (place < 0) return;
      chosen.set(chart.name, place);
      input.value = chart.options[place][0];
      document.querySelector(`#chart-${chart.name} .chosen`).textContent = chart.options[place][2];
      draw(chart, false);
    });
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
        const number = head.classList.contains("number");
        const compare = new Intl.Collator("en", { numeric: true }).compare;
        const value = (text) => text === "inf" ? Infinity : Number(text);
        const sorted = [...body.rows].sort((a, b) => {
          const [first, second] = [key(a), key(b)];
          if (!number) return (down ? -1 : 1) * compare(first, second);
          if (first === "" || second === "") return (first === "") - (second === "");
          const [x, y] = [value(first), value(second)];
          return x === y ? 0 : (down ? -1 : 1) * (x < y ? -1 : 1);
        });
        body.append(...sorted);
        table.dispatchEvent(new Event("sorted", { bubbles: true }));
      });
    });
  }

  // Long tables show their first rows until a reader asks for all, or filters them.
  function folded(region) {
    const body = region.querySelector("tbody");
    const most = Number(region.dataset.shown);
    const label = region.querySelector(".filter");
    const input = label?.querySelector("input");
    const more = document.createElement("button");
    let all = body.rows.length <= most + 3;
    const show = () => {
      const words = (input?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const limit = all || words.length ? Infinity : most;
      let count = 0;
      for (const row of body.rows) {
        const text = words.length ? row.textContent.toLowerCase() : "";
        row.hidden = !words.every((word) => text.includes(word)) || ++count > limit;
      }
      more.hidden = all || words.length > 0;
    };
    more.type = "button";
    more.className = "all";
    more.textContent = `Show all ${body.rows.length.toLocaleString("en")}`;
    more.addEventListener("click", () => {
      all = true;
      show();
    });
    region.after(more);
    if (label) label.hidden = false;
    input?.addEventListener("input", show);
    region.addEventListener("sorted", show);
    show();
  }

  if (page.charts.length) document.querySelector(".hint").hidden = false;
  for (const chart of page.charts) if (chart.options) choose(chart);
  document.querySelectorAll("main table").forEach(sortable);
  document.querySelectorAll("main .table").forEach(folded);
  drawAll();
  dark.addEventListener("change", () => drawAll());
  window.addEventListener("beforeprint", () => drawAll(true));
  window.addEventListener("afterprint", () => drawAll());
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const chart of page.charts) {
        const place = document.querySelector(`#chart-${chart.name} .drawing`);
        if (place.clientWidth !== drawn.get(chart.name).width) draw(chart, false);
      }
    }, 150);
  });
  document.documentElement.dataset.drawn = String(page.charts.length);
})();
