// The victim's own script on the page with the hole. It keeps its token in memory only, as is often advised.
const home = location.pathname.replace(/\/search$/, "/own");
const { token } = await (await fetch(`${home}/token`)).json();

const answer = await fetch(`${home}/me`, { headers: { Authorization: `Bearer ${token}` } });
document.querySelector("#says").textContent = answer.ok ? "The victim's page works." : "The victim's page does not work.";
