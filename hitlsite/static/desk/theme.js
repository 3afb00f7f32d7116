// Before anything is drawn: light or dark as this browser was told, here or on the other pages of the admin.
"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "adminTheme";  // where the admin keeps its own
  const told = () => (localStorage.getItem(KEY) || "").replaceAll('"', "");
  const apply = () => { root.dataset.theme = { dark: "dark", light: "light" }[told()] || ""; };
  apply();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    localStorage.setItem(KEY, JSON.stringify(dark ? "light" : "dark"));
    apply();
  });
})();
