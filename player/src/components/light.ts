/** Components render into the page itself, so that one set of styles, labels and landmarks serves all of them. */
import { LitElement } from "lit";

export class LightElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}
