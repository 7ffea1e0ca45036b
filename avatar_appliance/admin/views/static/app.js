// The frame of all pages: who is signed in, where one is, in which language.
import { ask, get, onSignedOut } from "./api.js";
import { html, render, useCallback, useEffect, useState } from "./html.js";
import { Chat } from "./pages/chat.js";
import { History } from "./pages/history.js";
import { Home } from "./pages/home.js";
import { SignIn } from "./pages/sign_in.js";
import { Voices } from "./pages/voices.js";
import { LANGUAGES, language, setLanguage, t } from "./text.js";

const PAGES = [
  { path: "/", key: "home", page: Home },
  { path: "/chat", key: "chat", page: Chat },
  { path: "/history", key: "history", page: History },
  { path: "/voices", key: "voices", page: Voices },
];

function App() {
  const [signedIn, setSignedIn] = useState(null);
  const [path, setPath] = useState(location.pathname);
  const [spoken, setSpoken] = useState(language);

  useEffect(() => onSignedOut(() => setSignedIn(false)), []);
  useEffect(() => {
    get("/api/session").then(() => setSignedIn(true), (error) => setSignedIn(error.status === 401 ? false : error));
  }, []);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);

  const go = useCallback((event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(null, "", event.currentTarget.getAttribute("href"));
    setPath(location.pathname);
  }, []);
  const speak = (event) => {
    setLanguage(event.currentTarget.value);
    setSpoken(event.currentTarget.value);
  };
  const signOut = async () => {
    await ask("DELETE", "/api/session").catch(() => {});
    setSignedIn(false);
  };

  const shown = PAGES.find((each) => each.path === path) ?? PAGES[0];
  document.title = `${t(shown.key)} · AVATAR`;
  return html`
    <header class="bar">
      <nav>
        <ul>
          <li><strong>AVATAR</strong></li>
          ${signedIn === true && PAGES.map((each) => html`
            <li><a href=${each.path} onClick=${go} aria-current=${each === shown ? "page" : null}>${t(each.key)}</a></li>`)}
        </ul>
        <ul>
          <li>
            <select aria-label=${t("language")} value=${spoken} onChange=${speak}>
              ${Object.entries(LANGUAGES).map(([tag, name]) => html`<option value=${tag}>${name}</option>`)}
            </select>
          </li>
          ${signedIn === true && html`<li><button class="secondary outline" onClick=${signOut}>${t("sign-out")}</button></li>`}
        </ul>
      </nav>
    </header>
    <main>
      ${signedIn === true && html`<${shown.page} key=${shown.path} />`}
      ${signedIn === false && html`<${SignIn} done=${() => setSignedIn(true)} />`}
      ${signedIn instanceof Error && html`<p role="alert">${t("unreachable")}</p>`}
    </main>`;
}

setLanguage(language);
render(html`<${App} />`, document.body);
