// Ctrl-K on every page: a box that finds a case, a workflow or a person. Without a script, and on the pages that are not on the desk's
// own base, it leads to a page of its own.
"use strict";
(() => {
  const opener = () => document.querySelector("[data-find]");
  let box, text, list, asked = 0, at = -1, before;

  function build(words, address) {
    box = document.createElement("dialog");
    box.className = "find";
    box.setAttribute("aria-label", words.title);
    text = document.createElement("input");
    Object.entries({ type: "search", role: "combobox", autocomplete: "off", maxlength: 200, placeholder: words.title, "aria-label": words.title, "aria-expanded": "false", "aria-controls": "find-list", "aria-autocomplete": "list" }).forEach(([name, value]) => text.setAttribute(name, value));
    list = document.createElement("div");
    list.id = "find-list";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", words.results);
    box.append(text, list);
    document.body.append(box);
    let waiting;
    text.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => look(address), 150); });
    text.addEventListener("keydown", (event) => key(event, address));
    list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) location.assign(option.dataset.link); });
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    box.addEventListener("close", () => before?.focus?.());
  }
  async function look(address) {
    const mine = ++asked, typed = text.value.trim();
    if (!typed) return show("");
    const answer = await fetch(`${address}?q=${encodeURIComponent(typed)}`, { headers: { "X-Find": "1" } }).catch(() => null);
    if (mine !== asked) return;
    if (!answer?.ok || answer.redirected) return location.assign(`${address}?q=${encodeURIComponent(typed)}`);
    show(await answer.text());
  }
  function show(html) {
    list.innerHTML = html; // our own page's, escaped there
    text.setAttribute("aria-expanded", String(options().length > 0));
    point(options().length ? 0 : -1);
  }
  const options = () => [...list.querySelectorAll("[role=option]")];
  function point(to) {
    at = to;
    options().forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    const chosen = options()[at];
    if (chosen) { text.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); } else text.removeAttribute("aria-activedescendant");
  }
  function key(event, address) {
    const many = options().length;
    if (event.key === "ArrowDown" && many) { event.preventDefault(); point((at + 1) % many); }
    if (event.key === "ArrowUp" && many) { event.preventDefault(); point((at - 1 + many) % many); }
    if (event.key === "Enter") {
      event.preventDefault();
      location.assign(options()[at]?.dataset.link || `${address}?q=${encodeURIComponent(text.value.trim())}`);
    }
    event.stopPropagation(); // the desk's own keys are off here
    if (event.key === "Escape") box.close();
  }
  function open(link) {
    if (!link.dataset.title) return location.assign(link.href);
    before = document.activeElement;
    if (!box) build(link.dataset, link.getAttribute("href"));
    text.value = "";
    show("");
    box.showModal();
    text.focus();
  }
  document.addEventListener("keydown", (event) => {
    const link = opener() || document.querySelector('a[href$="/cases/case/find/"]');
    if (!link || event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  }, { capture: true });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-find]");
    if (link && !event.ctrlKey && !event.metaKey) { event.preventDefault(); open(link); }
  });
})();
