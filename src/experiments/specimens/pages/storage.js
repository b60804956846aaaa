// Every place where a page can keep a token that its scripts can read.

export const open = (name) =>
  new Promise((resolve, reject) => {
    const asked = indexedDB.open(name);
    asked.onupgradeneeded = () => asked.result.createObjectStore("tokens");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

export async function keep(name, token) {
  localStorage.setItem(name, `${token}.local`);
  sessionStorage.setItem(name, `${token}.session`);
  const database = await open(name);
  const transaction = database.transaction("tokens", "readwrite");
  transaction.objectStore("tokens").put(`${token}.indexed`, "token");
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = () => reject(transaction.error);
  });
  database.close();
}

export function clear(name) {
  localStorage.removeItem(name);
  sessionStorage.removeItem(name);
  indexedDB.deleteDatabase(name);
}
