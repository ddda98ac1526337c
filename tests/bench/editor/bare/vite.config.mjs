// The packages are those of the editor, so that both pages run the same React Flow.
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../../../../web_ui/editor/node_modules/", import.meta.url));

export default {
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
  resolve: { alias: ["@xyflow/react", "react-dom", "react"].map((name) => ({ find: new RegExp(`^${name}(?=/|$)`), replacement: modules + name })) },
};
