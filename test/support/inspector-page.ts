import type { Locator, Page } from 'playwright-core';

export interface DirectConnection {
  readonly transport: 'Streamable HTTP' | 'SSE';
  /** The endpoint. */
  readonly url: string;
  readonly token: string;
}

/** Operates the page of the Inspector's version 1 as a person does. */
export class InspectorPage {
  private readonly tools: Locator;

  constructor(private readonly page: Page) {
    this.tools = page.getByRole('tabpanel', { name: 'Tools' });
  }

  /** Connects from the page itself, not through the Inspector's backend. */
  async connect({ transport, url, token }: DirectConnection): Promise<void> {
    await this.select('Transport Type', transport);
    await this.select('Connection Type', 'Direct');
    await this.page.getByRole('textbox', { name: 'URL' }).fill(url);
    await this.addHeader('Authorization', `Bearer ${token}`);
    await this.press('Connect');
    await this.page.getByText('Connected', { exact: true }).waitFor();
  }

  async listTools(): Promise<void> {
    await this.page.getByRole('tab', { name: 'Tools' }).click();
    await this.press('List Tools');
  }

  /** Calls the tool that the list shows with this title. Returns the text of the result on the page. */
  async callTool(title: string, args: Readonly<Record<string, number>>): Promise<string> {
    await this.tools.getByText(title, { exact: true }).click();
    for (const [name, value] of Object.entries(args))
      await this.tools.locator(`input[name="${name}"]`).fill(String(value));
    await this.press('Run Tool');
    const heading = 'Tool Result';
    await this.tools.getByRole('heading', { name: heading }).waitFor();
    const text = (await this.tools.innerText()).replaceAll(/\s+/g, ' ');
    return text.slice(text.indexOf(heading));
  }

  private async select(list: string, option: string): Promise<void> {
    await this.page.getByRole('combobox', { name: list }).click();
    await this.page.getByRole('option', { name: option, exact: true }).click();
  }

  private async addHeader(name: string, value: string): Promise<void> {
    await this.press('Authentication');
    await this.page.getByPlaceholder('Header Name').fill(name);
    await this.page.getByPlaceholder('Header Value').fill(value);
    // The page sends only headers that are switched on.
    await this.page.getByRole('switch').check();
  }

  private press(button: string): Promise<void> {
    return this.page.getByRole('button', { name: button, exact: true }).click();
  }
}
