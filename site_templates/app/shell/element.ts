/** The one element-building module of the shell: elements and text nodes, never HTML strings. */

type Attributes = Readonly<Record<string, string | boolean>>;
export type Child = Node | string | null;

/** Create an element; `true` sets an empty attribute, `false` none; null children are left out. */
export function create<N extends keyof HTMLElementTagNameMap>(
  name: N,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[N] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button that does something. */
export function createButton(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const button = create("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", onClick);
  return button;
}
