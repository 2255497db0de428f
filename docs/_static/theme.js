// The switch of the theme reaches the pages in frames, which by themselves follow the system.
function follow() {
  const chosen = document.body.dataset.theme;
  const dark = chosen === "dark"
    || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  for (const frame of document.querySelectorAll("iframe.fpf-frame, iframe.fpf-live")) {
    const body = frame.contentDocument?.body; // null where the page is opened as a file
    if (!body) continue;
    body.dataset.jpThemeLight = String(!dark); // what the views look at first
    body.style.background = dark ? "#111418" : "#ffffff";
  }
}
addEventListener("load", () => {
  follow();
  new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
});
