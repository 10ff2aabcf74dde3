(() => {
  "use strict";
  const root = document.documentElement;
  const NARROW = 520;
  const PRINT_WIDTH = 660;
  const CONFIG = {displayModeBar: false, responsive: false, typesetMath: false, doubleClick: false, showTips: false};
  const charts = [...document.querySelectorAll("[data-chart]")];
  const drawn = new Set();

  // Colours are written as tokens of the style sheet, "@s1" or "@s1/0.4", so that one chart serves both themes.
  // Only values under a key that names a colour are looked up: text from logs never stands there.
  const IS_COLOR = /colors?$|colorscale$/i;
  function token(value, style) {
    const [name, alpha] = value.slice(1).split("/");
    const hex = style.getPropertyValue("--" + name).trim();
    if (!alpha) return hex;
    const [r, g, b] = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  }
  function themed(value, style, isColor) {
    if (typeof value === "string") return isColor && value[0] === "@" ? token(value, style) : value;
    if (Array.isArray(value)) {
      const isPlain = !isColor && typeof value[0] !== "object";
      return isPlain ? value : value.map(one => themed(one, style, isColor));
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, style, isColor || IS_COLOR.test(k))]));
  }
  function laidOver(under, over) {
    if (Array.isArray(under) && Array.isArray(over) && typeof over[0] === "object") {
      return under.map((one, n) => (n < over.length ? laidOver(one, over[n]) : one));
    }
    if (under === null || over === null || typeof under !== "object" || typeof over !== "object" || Array.isArray(over)) {
      return over;
    }
    const both = {...under};
    for (const [key, value] of Object.entries(over)) both[key] = key in under ? laidOver(under[key], value) : value;
    return both;
  }

  function draw(chart, width) {
    const figure = chart.closest("figure");
    const views = chart.views ??= JSON.parse(figure.querySelector("script").textContent);
    const pressed = figure.querySelector("[data-view][aria-pressed=true]");
    let {data, layout, narrow} = views[pressed ? pressed.dataset.view : Object.keys(views)[0]];
    width ??= chart.clientWidth;
    if (width < NARROW) ({data, layout} = laidOver({data, layout}, narrow));
    const style = getComputedStyle(root);
    const result = Plotly.react(
      chart, themed(data, style, false), {...themed(layout, style, false), width, autosize: false}, CONFIG);
    drawn.add(chart);
    chart.dataset.drawn = "";
    return result;
  }
  const redraw = () => { for (const chart of drawn) draw(chart); };

  // Charts are drawn when they come near the screen: the page opens at once however many there are.
  const near = new IntersectionObserver(entries => {
    for (const {isIntersecting, target} of entries) {
      if (isIntersecting) { near.unobserve(target); draw(target); }
    }
  }, {rootMargin: "600px"});
  charts.forEach(chart => near.observe(chart));

  let width = root.clientWidth, waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (root.clientWidth !== width) { width = root.clientWidth; redraw(); } }, 120);
  });

  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => {
      for (const other of button.parentElement.children) other.setAttribute("aria-pressed", other === button);
      draw(button.closest("figure").querySelector("[data-chart]"));
    });
  }

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const toggle = document.getElementById("theme");
  const showTheme = () => {
    toggle.textContent = isDark() ? "Light theme" : "Dark theme";
    redraw();
  };
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("playerpath-theme", root.dataset.theme); } catch { /* no storage: it lasts for this visit */ }
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);
  showTheme();

  // Paper is light and has one width.
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    // Drawn anew and not changed: a change of the Sankey is animated, and print does not wait for it.
    for (const chart of charts) { Plotly.purge(chart); draw(chart, PRINT_WIDTH); }
  });
  addEventListener("afterprint", () => { root.classList.remove("printing"); redraw(); });

  // A link into a folded table or definition opens it.
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.closest("details")?.setAttribute("open", "");
  };
  addEventListener("hashchange", open);
  open();
  root.dataset.ready = "";
})();
