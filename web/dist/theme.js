// Sets the chosen theme before the first paint. Without a choice the system decides.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("tandem.theme");
  } catch {
    // Storage may be closed to this page; the system's theme is right then.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
