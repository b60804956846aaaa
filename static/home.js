// Whether this browser is in at the token door. The server says so for the session door; here only the refresh cookie knows.
const state = document.getElementById("token-state");
const answer = await fetch(`${state.dataset.api}/api/auth/state`, { credentials: "include" }).catch(() => null);
if (answer?.ok) {
  const { logged_in } = await answer.json();
  state.textContent = logged_in ? "You are in from this browser." : "Nobody is in from this browser.";
  state.hidden = false;
}
