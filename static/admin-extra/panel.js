// Copy buttons (templates/admin/_copy.html). Delegated, so parts that htmx loads later work too.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) {
    return;
  }
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  } catch {
    // Without HTTPS (other than on localhost) there is no clipboard: select the text so that Ctrl+C takes it.
    window.prompt(button.dataset.byHand, button.dataset.copy);
  }
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
});
