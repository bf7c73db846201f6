/** Someone with a key, who has exchanged it for a token. */
export class Caller {
  readonly url: string;
  readonly token: string;

  private constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  static async of(url: string, apiKey: string): Promise<Caller> {
    const { access_token } = await new Caller(url, "").post("/api/v1/auth/token", { api_key: apiKey });
    return new Caller(url, access_token);
  }

  post(path: string, body: unknown): Promise<any> {
    return this.send("POST", path, body);
  }

  get(path: string): Promise<any> {
    return this.send("GET", path);
  }

  patch(path: string, body: unknown): Promise<any> {
    return this.send("PATCH", path, body);
  }

  delete(path: string): Promise<any> {
    return this.send("DELETE", path);
  }

  private async send(method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        "Content-Type": "application/json",
        ...(this.token && { Authorization: `Bearer ${this.token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok || response.status === 207) throw new Error(`${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** Adds a member and gives them a key. */
  async invite(role: "engineer" | "viewer"): Promise<string> {
    const member = { email: `${role}@example.com`, name: role, account_role: role };
    const { id } = await this.post("/api/v1/users", member);
    const { api_key } = await this.post("/api/v1/keys", { name: "tests", user_id: id });
    return api_key;
  }
}
