// A link into a folded section opens it. Without this, a reader opens it by hand.
function open_folds() {
  let target = null;
  try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  const folds = [...target.querySelectorAll(":scope > details.deeper")];
  for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) folds.push(at);
  if (folds.every((fold) => fold.open)) return;
  for (const fold of folds) fold.open = true;
  target.scrollIntoView();
}
window.addEventListener("hashchange", open_folds);
// A second click on a link to the present place changes no address, but should open it again.
document.addEventListener("click", (event) => {
  if (event.target.closest?.("a[href*='#']")) setTimeout(open_folds);
});
// On paper nothing can be opened.
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
open_folds();
