"use strict";
/* Sorting and searching of tables, and details opened for print. Without it the page still says everything. */
for (const table of document.querySelectorAll("table.tools")) {
  const rows = Array.from(table.tBodies[0].rows);
  const region = table.parentElement;
  if (rows.length > 1) {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => row.cells[column] ? row.cells[column].dataset.sort || row.cells[column].textContent.trim() : "";
        const number = (text) => parseFloat(text.replace(/[, %<>]/g, ""));
        rows.sort((a, b) => {
          const x = value(a), y = value(b), n = number(x) - number(y);
          const order = Number.isNaN(n) ? (x < y ? -1 : x > y ? 1 : 0) : n;
          return down ? -order : order;
        });
        table.tBodies[0].append(...rows);
      });
    });
  }
  if (rows.length > 8) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const count = document.createElement("span");
    box.type = "search";
    count.setAttribute("aria-live", "polite");
    label.append("Search: ", box);
    const bar = document.createElement("p");
    bar.className = "search";
    bar.append(label, " ", count);
    region.before(bar);
    box.addEventListener("input", () => {
      const text = box.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = text !== "" && !row.textContent.toLowerCase().includes(text);
        if (!row.hidden) shown += 1;
      }
      count.textContent = text ? shown + " of " + rows.length + " rows" : "";
    });
  }
}
for (const region of document.querySelectorAll(".scroll")) {
  const mark = () => region.classList.toggle("wide", region.scrollWidth > region.clientWidth + 1);
  mark();
  window.addEventListener("resize", mark);
}
/* The statement of sign-off stands beside the run's folder, or beside the bag that holds it in data/, whatever their names. */
for (const link of document.querySelectorAll("a.sign-off")) {
  const [above, folder] = location.pathname.split("/").slice(-3, -1);
  if (folder) link.setAttribute("href", (folder === "data" ? "../../" + above : "../" + folder) + ".sign-off/cover.html");
}
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.code)")) details.open = true;
});
