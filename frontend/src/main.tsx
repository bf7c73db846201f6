import "./style/tokens.css";
import "./style/page.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has lost its #root.");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
