const theme = document.getElementById("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
const wear = (light) => {
  document.body.dataset.jpThemeLight = light;
  theme.textContent = light ? "Dark" : "Light";
};
theme.onclick = () => wear(document.body.dataset.jpThemeLight === "false");
dark.onchange = () => wear(!dark.matches);
wear(!dark.matches);
