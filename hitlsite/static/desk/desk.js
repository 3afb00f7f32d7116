// The desk's keys, the lease, the live difference, and what keeps typed text from being lost. Everything works without it, too.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const work = () => $("#work");
  const typing = (target) => target.closest("textarea, select, input:not([type=radio], [type=checkbox])") || target.isContentEditable;
  let left = 0, beat = 0, active = 0, touched = Date.now(), at = -1;

  // what is chosen, what was changed

  const chosen = () => $("[name=verb]:checked")?.value;
  function choose(radio) {
    if (!radio) return;
    radio.checked = true;
    showAsked();
    const first = $(`[data-ask="${radio.value}"]`)?.querySelector("textarea, select, input");
    const output = radio.hasAttribute("data-reads-output") && !$(".field.changed") && $(".field[data-was]")?.querySelector("input, select, textarea");
    if (radio.value === "accept" || radio.value === "approve") radio.focus();
    else (output || first || radio).focus();
  }
  function showAsked() {
    const name = chosen();
    all("[data-ask]").forEach((asked) => { asked.hidden = asked.dataset.ask !== name; });
  }
  const valueOf = (input) => (input.type === "checkbox" ? (input.checked ? "True" : "False") : input.value);
  function compare(field) {
    const input = $("input, select, textarea", field);
    if (!input) return;
    const was = field.dataset.was, changed = valueOf(input).replaceAll("\r\n", "\n") !== was.replaceAll("\r\n", "\n");
    field.classList.toggle("changed", changed);
    const told = $(".was", field);
    const option = input.options && [...input.options].find((each) => each.value === was);
    told.textContent = option ? option.textContent : was;
    told.hidden = !changed || was === "" || input.type === "checkbox";
  }
  function compareAll() {
    all(".field[data-was]").forEach(compare);
    const changed = Boolean($(".field.changed"));
    all("[data-when-changed]").forEach((each) => { each.hidden = !changed; });
  }
  function showCauses() {
    all("[data-criterion]").forEach((criterion) => {
      const cause = $("[data-cause]", criterion);
      if (cause) cause.hidden = !$("[data-failure]:checked", criterion) && !$(".wrong-here", cause);
    });
  }

  // typed text outlives the page

  const kept = () => work() && `hitldesk.case.${work().dataset.case}.${work().dataset.revision}`;
  function keep() {
    if (!work()) return;
    const typed = all("[name]", work()).filter((input) => !["csrfmiddlewaretoken", "revision", "active_seconds", "verb"].includes(input.name));
    const values = typed.filter((input) => !["radio", "checkbox"].includes(input.type) && input.value !== input.defaultValue && !(input.options && [...input.options].some((each) => each.defaultSelected && each.value === input.value)));
    const said = Object.fromEntries(values.map((input) => [input.name, input.value]));
    if (Object.keys(said).length) sessionStorage.setItem(kept(), JSON.stringify(said));
  }
  function bringBack() {
    const said = JSON.parse(sessionStorage.getItem(kept()) || "{}");
    Object.entries(said).forEach(([name, value]) => {
      const input = work().elements[name];
      if (input && "value" in input && input.type !== "hidden") input.value = value;
    });
  }

  // the lease

  function clock() {
    if (!work()) return;
    if (document.visibilityState === "visible" && Date.now() - touched < 60000) active += 1;
    if (work().elements.active_seconds) work().elements.active_seconds.value = active;
    if (!work().dataset.heartbeat) return;
    left -= 1;
    beat -= 1;
    const told = $("[data-countdown]");
    if (told) told.textContent = left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "0:00";
    $(".lease")?.classList.toggle("late", left < 60);
    if (beat <= 0 && Date.now() - touched < 1000 * Number(work().dataset.lease)) stillAtIt();
  }
  async function stillAtIt() {
    beat = Math.max(Number(work().dataset.lease) / 3, 10);
    try {
      const answer = await fetch(work().dataset.heartbeat, { method: "POST", headers: JSON.parse(document.body.getAttribute("hx-headers")) });
      const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : null;
      if (answer.ok && told) left = told.seconds;
      else if (told) say(`${told.detail} What you typed stays here.`);
    } catch { /* the network is away: the next beat tries again */ }
  }
  function say(words, kind = "error") {
    const line = document.createElement("p");
    line.className = `said ${kind}`;
    line.setAttribute("role", "alert");
    line.textContent = words;
    $("#said").replaceChildren(line);
  }

  // keys

  function key(event) {
    touched = Date.now();
    if (!work()) return startNext(event);
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      return chosen() ? $("[data-commit]").click() : say("Choose what to do first.", "warning");
    }
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") { event.preventDefault(); return $("#keys").showModal(); }
    if (/^[1-9]$/.test(event.key)) return mark(Number(event.key) - 1);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); return move(event.key === "ArrowDown" ? 1 : -1); }
    const label = all(".choice").find((each) => $("kbd", each)?.textContent === event.key);
    if (label) { event.preventDefault(); choose($("input", label)); }
  }
  function startNext(event) {
    if (event.key !== "n" || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = $("[data-next]");
    if (button) { event.preventDefault(); button.click(); }
  }
  function move(step) {
    const criteria = all("[data-criterion]");
    if (!criteria.length) return;
    at = Math.min(Math.max(at + step, 0), criteria.length - 1);
    criteria.forEach((each, place) => each.classList.toggle("at", place === at));
    criteria[at].scrollIntoView({ block: "nearest" });
  }
  function mark(place) {
    const criteria = all("[data-criterion]");
    if (!criteria.length) return;
    if (at < 0) move(1);
    const radio = all("input[type=radio]", criteria[at])[place];
    if (!radio) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    if (at < criteria.length - 1) move(1);
  }

  // a page, or a case that came in its place

  function begin() {
    all("[data-show-keys]").forEach((button) => { button.hidden = false; });
    if (!work()) return;
    document.title = work().dataset.title;
    left = Number(work().dataset.left || 0);
    beat = Number(work().dataset.lease || 0) / 3;
    active = 0;
    at = -1;
    bringBack();
    compareAll();
    showAsked();
    showCauses();
  }
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "desk" || event.target.closest?.("#desk") === event.target) { begin(); $("#desk").focus({ preventScroll: true }); } });
  document.addEventListener("keydown", key);
  ["pointerdown", "pointermove", "scroll"].forEach((name) => document.addEventListener(name, () => { touched = Date.now(); }, { passive: true, capture: true }));
  document.addEventListener("input", (event) => {
    touched = Date.now();
    if (!event.target.closest("#work")) return;
    keep();
    if (!event.target.closest(".field[data-was]")) return;
    compareAll();
    const reads = all("[data-reads-output]");
    if (reads.length && $(".field.changed") && !reads.some((each) => each.checked)) { reads[0].checked = true; showAsked(); }
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "verb") showAsked();
    if (event.target.closest("[data-criterion]")) showCauses();
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-show-keys]")) $("#keys").showModal(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") { touched = Date.now(); beat = 0; } });
  setInterval(clock, 1000);

  // the way there and back

  document.addEventListener("click", (event) => {  // these go to a page of their own
    const button = event.target.closest("[data-plain]");
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    work().action = button.formAction;
    HTMLFormElement.prototype.submit.call(work());
  }, { capture: true });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig.target?.id !== "desk" && event.detail.target.id !== "desk") return;
    if (event.detail.xhr.responseText.includes('id="desk"')) {
      if (event.detail.xhr.status < 400) sessionStorage.removeItem(kept());
      return;
    }
    event.detail.shouldSwap = false;
    const signedOut = event.detail.xhr.responseURL.includes("/sign-in/");
    say(signedOut ? "You are signed out. Sign in in another tab, then press again: what you typed stays here." : `The desk answered ${event.detail.xhr.status}. What you typed stays here; try again, or open the case anew.`);
  });
  document.addEventListener("htmx:sendError", () => say("The network is away. What you typed stays here: press again when it is back. It will be done once."));
})();
