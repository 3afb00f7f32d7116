// The keys of the workbench and the approvals, the lease, the live difference, and what keeps typed text from being lost. Everything works without it, too.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const forms = () => all("[data-work]");  // the workbench's one form, or one for each card of the approvals
  const card = () => $(".approval.at");
  const work = () => $("#work") || (card() && $("[data-work]", card()));
  const typing = (target) => target.closest("textarea, select, input:not([type=radio], [type=checkbox])") || target.isContentEditable;
  const words = document.body.dataset;  // what the page says in the reader's language
  const spent = new WeakMap();  // seconds, by form
  let left = 0, beat = 0, touched = Date.now(), at = -1;

  // what is chosen, what was changed

  const chosen = () => work() && $("[name=verb]:checked", work())?.value;
  function choose(radio) {
    if (!radio) return;
    radio.checked = true;
    showAsked(work());
    keep();
    const first = $(`[data-ask="${radio.value}"]`, work())?.querySelector("textarea, select, input");
    const output = firstToChange(radio)?.querySelector("input, select, textarea");
    if (radio.value === "accept" || radio.value === "approve") radio.focus();
    else (output || first || radio).focus();
  }
  const firstToChange = (radio) => radio.hasAttribute("data-reads-output") && !$(".field.changed", radio.form) ? $(".field[data-differs]", radio.form) : null;
  function showAsked(form) {
    const name = $("[name=verb]:checked", form)?.value;
    all("[data-ask]", form).forEach((asked) => { asked.hidden = asked.dataset.ask !== name; });
    fold(form, Boolean(name));
    tellWhatIsNotKept(form);
  }
  function fold(form, folded) {  // what is chosen takes the room of the other choices: they stay a press away, and an arrow key
    const unfolds = $("[data-all-choices]", form);
    if (!unfolds) return;
    unfolds.hidden = !folded;
    unfolds.closest(".decide").classList.toggle("folded", folded);
  }
  function unfold(form) {
    if (!$(".folded", form)) return;
    fold(form, false);
    $("[name=verb]:checked", form).focus({ preventScroll: true });
  }
  function bring(there) {  // into sight in its own column, without the page under it moving
    const column = there.closest(".bench > div"), top = (each) => each.getBoundingClientRect().top;
    if (column && column.scrollHeight > column.clientHeight) { column.scrollTop += top(there) - top(column) - 12; window.scrollTo(0, 0); }
    else there.scrollIntoView({ block: "start" });
    there.focus({ preventScroll: true });
  }
  function firstWrong(within) {  // what came back with a fault is gone on with where the fault is
    const field = all(".wrong-here", within).find((each) => each.getClientRects().length || each.closest("details:not([open])"));
    field?.closest("details")?.setAttribute("open", "");
    const input = field && $("input:not([type=hidden]), select, textarea", field);
    if (!input) return false;
    input.focus({ preventScroll: true });
    const asked = field.closest(".ask"), below = asked && field.getBoundingClientRect().bottom - asked.getBoundingClientRect().bottom;
    if (!asked || getComputedStyle(asked).overflowY === "visible") field.scrollIntoView({ block: "nearest" });
    else asked.scrollTop += Math.max(below, 0);  // it stands still in sight itself
    return true;
  }
  function tellWhatIsNotKept(form) {  // a snooze, say, takes no output along
    const now = $("[name=verb]:checked", form), asks = now && !now.hasAttribute("data-reads-output") && $(".field.changed", form);
    all("[data-not-kept], [data-kept]", form).forEach((told) => { told.hidden = !asks || told.matches("[data-kept]") !== now.hasAttribute("data-keeps"); });
    tellDoubt(form, now?.value);
  }
  function tellDoubt(form, verb) {  // as cases/doubts.py asks where nothing told it; what was told here is not asked there
    if (!form.elements.doubt || !$("[data-preset]", form)) return;
    const touched = all("[data-criterion]", form).some((each) => !$("[data-preset]:checked", each));
    const unmarked = verb === "correct" && !touched && $(".field.changed", form);
    const accepted = verb === "accept" && $("[data-failure]:checked", form);
    const doubt = unmarked ? "unmarked" : accepted ? "accepted" : "";
    form.elements.doubt.value = doubt;
    all("[data-doubt]", form).forEach((each) => { each.hidden = !each.dataset.doubt.split(" ").includes(doubt); });
  }
  const valueOf = (input) => (input.type === "checkbox" ? (input.checked ? "True" : "False") : input.value);
  function compare(field) {
    const input = $("input, select, textarea", field);
    if (!input) return;
    const was = field.dataset.was ?? input.defaultValue;  // a text that nobody has changed yet is sent once
    const changed = valueOf(input).replaceAll("\r\n", "\n") !== was.replaceAll("\r\n", "\n");
    field.classList.toggle("changed", changed);
    const told = $(".was", field);
    const option = input.options && [...input.options].find((each) => each.value === was);
    told.textContent = option ? option.textContent : input.type === "datetime-local" ? was.replace("T", " ") : was;
    told.hidden = !changed || was === "" || input.type === "checkbox";
  }
  function compareAll(form) {
    all(".field[data-differs]", form).forEach(compare);
    const changed = Boolean($(".field.changed", form));
    all("[data-when-changed]", form).forEach((each) => { each.hidden = !changed; });
    tellWhatIsNotKept(form);
  }
  function nameTheCustomer(kind) {  // who that is, the case says
    const whom = $("[data-customer]", kind.closest("[data-ask]") || kind), name = whom?.dataset.customer;
    if (!whom) return;
    if (kind.value === "customer" && !whom.value) whom.value = name;
    else if (kind.value !== "customer" && whom.value === name) whom.value = "";
  }
  function nameOneMoment(chosen) {  // of a usual moment and a written one the last that was touched
    const [select, other] = ["until", "until_other"].map((name) => chosen.form?.elements[chosen.name.replace(/until(_other)?$/, name)]);
    if (!select || !other) return;
    if (chosen === other && other.value) select.value = "other";
    else if (chosen === select && select.value !== "other") other.value = "";
  }
  function showCauses(form) {
    all("[data-criterion]", form).forEach((criterion) => {
      const cause = $("[data-cause]", criterion);
      if (cause) cause.hidden = !$("[data-failure]:checked", criterion) && !$(".wrong-here", cause);
    });
  }

  const grows = CSS.supports("field-sizing", "content");  // desk.css says how far
  function grow(text) {
    if (!grows) text.rows = Math.min(Math.max(text.value.split("\n").length, Math.ceil(text.value.length / 60), 2), 14);
  }

  // typed text outlives the page

  const TICKED = ":ticked";  // no field is called so
  const kept = (form) => `hitldesk.case.${form.dataset.case}.${form.dataset.revision}`;
  function keep() {
    const form = work();
    if (!form) return;
    const typed = [...form.elements].filter((input) => input.name && input.type !== "submit" && !["csrfmiddlewaretoken", "revision", "active_seconds", "verb"].includes(input.name));
    const isBox = (input) => ["radio", "checkbox"].includes(input.type);
    const values = typed.filter((input) => !isBox(input) && input.value !== input.defaultValue && !(input.options && [...input.options].some((each) => each.defaultSelected && each.value === input.value)));
    const said = Object.fromEntries(values.map((input) => [input.name, input.value]));
    const ticked = typed.filter((input) => isBox(input) && input.checked !== input.defaultChecked);
    if (ticked.length) said[TICKED] = Object.fromEntries(ticked.map((input) => [input.id, input.checked]));
    if (chosen()) said.verb = chosen();
    if (Object.keys(said).length) sessionStorage.setItem(kept(form), JSON.stringify(said));
    else sessionStorage.removeItem(kept(form));
  }
  function bringBack(form) {
    const said = JSON.parse(sessionStorage.getItem(kept(form)) || "{}");
    Object.entries(said).forEach(([name, value]) => {
      const input = form.elements[name];
      if (name === "verb") bringBackTheVerb(form, value);
      else if (name === TICKED) [...form.elements].forEach((box) => { if (box.id in value) box.checked = value[box.id]; });
      else if (input && "value" in input && input.type !== "hidden") {
        input.value = value;
        input.closest?.("details.rare")?.setAttribute("open", "");
      }
    });
  }

  function bringBackTheVerb(form, name) {  // unless the page says which is chosen
    const radios = all("[name=verb]", form), kept = radios.find((each) => each.value === name);
    if (kept && !radios.some((each) => each.checked)) kept.checked = true;
  }

  // the lease

  function clock() {
    all("[data-undo]").forEach(countDown);
    if (!work()) return;
    if (document.visibilityState === "visible" && Date.now() - touched < 60000) spent.set(work(), (spent.get(work()) || 0) + 1);
    if (work().elements.active_seconds) work().elements.active_seconds.value = spent.get(work()) || 0;
    if (!work().dataset.heartbeat) return;
    left -= 1;
    beat -= 1;
    const told = $("[data-countdown]");
    if (told) told.textContent = left > 0 ? told.dataset.countdown.replace("{left}", left > 120 ? Math.floor(left / 60) : minutes(left)) : told.dataset.over;
    $(".lease")?.classList.toggle("late", left < 60);
    if (beat <= 0 && Date.now() - touched < 1000 * Number(work().dataset.lease)) stillAtIt();
  }
  function minutes(seconds) { return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`; }
  async function stillAtIt() {
    beat = Math.max(Number(work().dataset.lease) / 3, 10);
    try {
      const answer = await fetch(work().dataset.heartbeat, { method: "POST", headers: JSON.parse(document.body.getAttribute("hx-headers")) });
      const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : null;
      if (answer.ok && told) left = told.seconds;
      else if (told) say(`${told.detail} ${words.wordsStays}`);
    } catch { /* the network is away: the next beat tries again */ }
  }

  // undo: one press, for as long as it can be done

  function countDown(link) {
    link.dataset.left -= 1;
    if (link.dataset.left > 0) link.dataset.time = minutes(Number(link.dataset.left));
    else if (link.matches("button")) link.disabled = true;
    else { const told = link.closest("[data-over]"); told.textContent = told.dataset.over; }
  }
  function undo(event) {
    const link = event.target.closest("a[data-undo]");
    if (!link) return;
    event.preventDefault();
    const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: link.href, hidden: true });
    Object.entries({ csrfmiddlewaretoken: token, verb: "undo", revision: link.dataset.undo }).forEach(([name, value]) => {
      form.append(Object.assign(document.createElement("input"), { name, value }));
    });
    document.body.append(form);
    HTMLFormElement.prototype.submit.call(form);
  }
  function say(text, kind = "error") {
    const line = document.createElement("p");
    line.className = `said ${kind}`;
    line.setAttribute("role", "alert");
    line.textContent = text;
    $("#said").replaceChildren(line);
  }

  // a live region that arrives with its words in it is not read out: they are put in once it stands
  function announce() {
    const region = $("#said"), lines = region ? [...region.children] : [];
    if (!lines.length) return;
    lines.forEach((line) => { line.classList.add("coming"); });  // their room is kept meanwhile, so that nothing jumps
    setTimeout(() => {
      lines.forEach((line) => { line.classList.remove("coming"); });
      if (region.isConnected && region.firstChild === lines[0]) region.replaceChildren(...lines);
    }, 50);
  }

  // menus: one is open at a time, until one goes elsewhere

  function closeMenus(but) {
    const open = all("details.menu[open]").filter((each) => each !== but);
    open.forEach((each) => { each.open = false; });
    return open;
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || $("dialog[open]")) return;
    const [menu] = closeMenus();
    if (menu) { event.stopImmediatePropagation(); $("summary", menu).focus(); }
  });

  // keys

  function key(event) {
    touched = Date.now();
    if ($("dialog[open]")) return;
    if (event.key === "?" && isKey(event)) { event.preventDefault(); return showKeys(); }
    if (!forms().length && !card()) return startNext(event);
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      const said = event.target.closest(".talk form");
      if (said) return said.requestSubmit();
      return chosen() ? $("[data-commit]", work()).click() : say(words.wordsChoose, "warning");
    }
    if (event.key === "Escape") return typing(event.target) ? event.target.blur() : work() && unfold(work());
    if (!isKey(event)) return;
    if (/^[1-9]$/.test(event.key)) return mark(Number(event.key) - 1);
    if (["ArrowDown", "ArrowUp"].includes(event.key) && $(".approval, [data-criterion]")) { event.preventDefault(); return move(event.key === "ArrowDown" ? 1 : -1); }
    const label = work() && all(".choice", work()).find((each) => $("kbd", each)?.textContent === event.key);
    if (label) { event.preventDefault(); return choose($("input", label)); }
    const link = work() && $(`a[data-key="${CSS.escape(event.key)}"]`, work());
    if (link) { event.preventDefault(); link.click(); }
  }
  const isKey = (event) => !typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
  function showKeys() {
    const keys = $("#keys");
    if (!keys) return;
    keys.showModal();
    keys.scrollTop = 0;
  }
  function startNext(event) {
    if (event.key !== "n" || !isKey(event)) return;
    const button = $("[data-next]");
    if (button) { event.preventDefault(); button.click(); }
  }
  function move(step) {
    if ($(".approval")) return moveToCard(step);
    const criteria = all("[data-criterion]");
    if (!criteria.length) return;
    at = Math.min(Math.max(at + step, 0), criteria.length - 1);
    criteria.forEach((each, place) => each.classList.toggle("at", place === at));
    criteria[at].scrollIntoView({ block: "nearest" });
  }
  function moveToCard(step) {
    const cards = all(".approval:not(.done)"), here = cards.indexOf(card());
    const there = cards[Math.min(Math.max(here + step, 0), cards.length - 1)];
    if (there) { there.focus({ preventScroll: true }); there.scrollIntoView({ block: "start" }); }
  }
  function atCard(there) {
    all(".approval.at").forEach((each) => each.classList.toggle("at", each === there));
    there?.classList.add("at");
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
    $("[data-unfold]")?.removeAttribute("hidden");
    $(".filters")?.classList.toggle("folded", Boolean($("[data-unfold]")));
    all("[data-show-keys]").forEach((button) => { button.hidden = false; });
    forms().forEach(beginForm);
    if ($(".approval")) return beginCards();
    if (!work()) return;
    document.title = work().dataset.title;
    left = Number(work().dataset.left || 0);
    beat = Number(work().dataset.lease || 0) / 3;
    at = -1;
    firstWrong(work());
  }
  function beginForm(form) {
    bringBack(form);
    compareAll(form);
    showAsked(form);
    showCauses(form);
    all("textarea", form).forEach(grow);
  }
  function beginCards() {
    if (!card()) atCard($(".approval:target") || $(".approval"));
    firstWrong(card());
  }
  function cardCame(there) {
    const decided = there.classList.contains("done"), next = there.nextElementSibling?.closest(".approval:not(.done)");
    if ($("[data-work]", there)) beginForm($("[data-work]", there));
    if (decided) $("[data-number]")?.remove();  // it was the number when the page came
    atCard(decided && next ? next : there);
    if (firstWrong(there)) return;
    (decided && next ? next : there).focus({ preventScroll: true });
    $("[role=alert]", there)?.scrollIntoView({ block: "nearest" });  // a refusal stands above what was pressed, a question beside it
  }
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "desk") { window.scrollTo(0, 0); begin(); announce(); if (!document.activeElement.closest(".wrong-here")) $("#desk").focus({ preventScroll: true }); }
    else if (event.target.matches?.(".approval")) cardCame(event.target);
  });
  document.addEventListener("focusin", (event) => { const there = event.target.closest(".approval"); if (there) atCard(there); });
  document.addEventListener("keydown", key);
  document.addEventListener("click", undo);
  ["pointerdown", "pointermove", "scroll"].forEach((name) => document.addEventListener(name, () => { touched = Date.now(); }, { passive: true, capture: true }));
  document.addEventListener("input", (event) => {
    touched = Date.now();
    if (event.target.matches("textarea")) grow(event.target);
    const form = event.target.closest("[data-work]");
    if (!form) return;
    keep();
    if (!event.target.closest(".field[data-differs]")) return;
    compareAll(form);
    const now = $("[name=verb]:checked", form), reads = $("[data-reads-output]", form);
    if (reads && $(".field.changed", form) && (!now || ["accept", "approve"].includes(now.value))) { reads.checked = true; showAsked(form); }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) all("[name=case]", event.target.form).forEach((each) => { each.checked = event.target.checked; });
    if (event.target.matches("[type=radio], [type=checkbox]")) keep();
    const form = event.target.closest("[data-work]");
    if (!form) return;
    if (event.target.name === "verb") { showAsked(form); keep(); (firstToChange(event.target) || $("[data-ask]:not([hidden])", form))?.scrollIntoView({ block: "nearest" }); }
    if (event.target.matches("select[name$='.on']")) { nameTheCustomer(event.target); keep(); }
    if (event.target.matches("[name$='.until'], [name$='.until_other']")) { nameOneMoment(event.target); keep(); }
    if (event.target.closest("[data-criterion]")) { showCauses(form); tellWhatIsNotKept(form); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-show-keys]")) showKeys();
    const unfolds = event.target.closest("[data-all-choices]");
    if (unfolds) unfold(unfolds.form);
    const link = event.target.closest("a[data-bring]"), there = link && $(link.hash);
    if (there) { event.preventDefault(); bring(there); }
  });
  document.addEventListener("click", (event) => {  // on a phone the filters that are not set are folded away
    const button = event.target.closest("[data-unfold]");
    if (!button) return;
    const folded = $(".filters").classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!folded));
  });
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
    const { target } = event.detail;
    if (!["desk", "talk"].includes(target.id) && !target.matches(".approval")) return;
    if (event.detail.xhr.responseText.includes(`id="${target.id}"`)) {
      if (event.detail.xhr.status < 400) all("[data-work]", target).forEach((form) => sessionStorage.removeItem(kept(form)));
      return;
    }
    event.detail.shouldSwap = false;
    const signedOut = event.detail.xhr.responseURL.includes("/sign-in/");
    say(signedOut ? words.wordsSignedOut : words.wordsAnswered.replace("{status}", event.detail.xhr.status));
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {  // done, and the browser goes on to another page
    if (event.detail.xhr.getResponseHeader("HX-Redirect")) forms().forEach((form) => sessionStorage.removeItem(kept(form)));
  });
  document.addEventListener("click", (event) => {  // the text is kept here, so the way there and back needs no window of its own
    const link = event.target.closest("[data-comes-back]");
    if (link) link.removeAttribute("target");
  }, { capture: true });
  document.addEventListener("htmx:sendError", () => say(words.wordsNetwork));
})();
