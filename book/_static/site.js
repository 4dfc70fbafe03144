// On a phone the outline of the page is a dialog over the page: choosing a heading closes it.
document.addEventListener("click", (event) => {
  event.target.closest("dialog a[href^='#']")?.closest("dialog").close();
});
