// A run as it happens: each event brings a line of the spine; at the end the page is loaded again and shows the finding.
const spine = document.getElementById("spine");
const state = document.getElementById("state");
const events = new EventSource(spine.dataset.events);

events.addEventListener("row", ({ data }) => {
  const line = document.createElement("li");
  line.className = data.includes('class="band') ? "moment" : "row";
  line.append(...new DOMParser().parseFromString(data, "text/html").body.childNodes);
  spine.append(line);
});
events.addEventListener("place", ({ data }) => {
  state.textContent = data === "" ? "Running …" : `Waiting: ${data} before this one.`;
});
events.addEventListener("end", () => {
  events.close();
  location.reload();
});
// A broken connection is taken up by the page itself, which knows how far the run is.
events.addEventListener("error", () => {
  events.close();
  setTimeout(() => location.reload(), 2000);
});
events.addEventListener("lives", ({ data }) => {
  const chart = new DOMParser().parseFromString(data, "text/html").body;
  document.getElementById("lives").replaceChildren(...chart.childNodes);
});
