// Sections are laid out when the reader comes near, so a number of pixels says nothing of a place on
// a page. What the browser would find again by pixels, when it loads a page anew or goes back to it,
// is found here by the section and how far down in it the reader was.
const sections = [...document.querySelectorAll(".bd-article > section > section")];
const placeOf = `place of ${location.pathname}`;

addEventListener("pagehide", () => {
  const section = sections.findLast((each) => each.getBoundingClientRect().top <= 0);
  if (section) {
    const down = -section.getBoundingClientRect().top;
    sessionStorage.setItem(placeOf, JSON.stringify([section.id, down]));
    history.scrollRestoration = "manual";
  } else {
    sessionStorage.removeItem(placeOf);
  }
});

addEventListener("load", () => {
  history.scrollRestoration = "auto";
  const [arrival] = performance.getEntriesByType("navigation");
  const [id, down] = JSON.parse(sessionStorage.getItem(placeOf) ?? "[]");
  const section = sections.find((each) => each.id === id);
  if (section && arrival && arrival.type !== "navigate") {
    section.scrollIntoView({ behavior: "instant" });
    scrollBy({ top: section.getBoundingClientRect().top + down, behavior: "instant" });
  }
});

// On a phone the outline of the page is a dialog over the page: choosing a heading closes it.
document.addEventListener("click", (event) => {
  event.target.closest("dialog a[href^='#']")?.closest("dialog").close();
});

// The cards of the index: a choice for each kind of class that they carry (`method-attention`).
const GROUPS = {
  part: "Part",
  method: "Method",
  data: "Data",
  speed: "Measured",
  rivals: "Strongest rival",
};

const NAMES = { jax: "JAX", numpy: "NumPy" };
const words = (kind) => kind.split("-").map((word) => NAMES[word] ?? word).join(" ");

function offerFilters(cards) {
  const items = [...cards.querySelectorAll(".tutorial")];
  const kinds = (item, group) =>
    [...item.classList]
      .filter((name) => name.startsWith(`${group}-`))
      .map((name) => name.slice(group.length + 1));
  const form = document.createElement("form");
  form.className = "filters";
  form.setAttribute("aria-label", "Choose tutorials");
  for (const [group, title] of Object.entries(GROUPS)) {
    const found = [...new Set(items.flatMap((item) => kinds(item, group)))];
    const select = document.createElement("select");
    select.name = group;
    select.append(new Option("all", ""));
    for (const kind of group === "part" ? found : found.sort()) {
      select.append(new Option(words(kind), kind));
    }
    const label = document.createElement("label");
    label.append(title, select);
    form.append(label);
  }
  const count = document.createElement("output");
  const reset = document.createElement("button");
  reset.type = "reset";
  reset.textContent = "Show all";
  form.append(count, reset);

  const show = () => {
    const chosen = [...new FormData(form)].filter(([, kind]) => kind);
    for (const item of items) {
      item.hidden = !chosen.every(([group, kind]) => kinds(item, group).includes(kind));
    }
    for (const grid of cards.querySelectorAll(".sd-container-fluid")) {
      grid.hidden = ![...grid.querySelectorAll(".tutorial")].some((item) => !item.hidden);
      grid.previousElementSibling.hidden = grid.hidden; // the caption of the part
    }
    count.textContent = `${items.filter((item) => !item.hidden).length} of ${items.length}`;
    reset.hidden = chosen.length === 0;
  };
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  cards.prepend(form);
  show();
}

// The ledger: a button in each heading sorts by that column; numbers before words, what is not
// known yet last.
function offerSorting(table) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator("en", { numeric: true });
  const key = (row, column) => {
    const text = row.cells[column].textContent.trim().replace(/^planned$/, "");
    const number = /^[\d.,]+/.test(text) ? parseFloat(text.replaceAll(",", "")) : NaN;
    return { text, number };
  };
  const compare = (one, other) => {
    if (!one.text || !other.text) return (one.text ? 0 : 1) - (other.text ? 0 : 1);
    if (isNaN(one.number) !== isNaN(other.number)) return isNaN(one.number) - isNaN(other.number);
    return isNaN(one.number) ? collator.compare(one.text, other.text) : one.number - other.number;
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = heading.textContent.trim();
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = heading.ariaSort === "ascending";
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.ariaSort = falling ? "descending" : "ascending";
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([one], [other]) => {
        const order = compare(one, other);
        return falling && one.text && other.text ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

const cards = document.querySelector(".tutorial-cards");
if (cards) offerFilters(cards);
document.querySelectorAll("table.sortable").forEach(offerSorting);
