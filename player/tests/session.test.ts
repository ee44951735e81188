import { beforeEach, describe, expect, it } from "vitest";
import { Problem } from "../src/problem.ts";
import { Session } from "../src/session.ts";

const answer = (status: number, body: unknown = {}) => new Response(JSON.stringify(body), { status });

class Memory extends Map<string, string> {
  getItem = (name: string) => this.get(name) ?? null;
  setItem = (name: string, value: string) => void this.set(name, value);
  removeItem = (name: string) => void this.delete(name);
}

/** A server whose tokens are t1, t2, ...; only the newest is good. `cookie` false: nobody is signed in. */
class Server {
  cookie = true;
  refreshStatus = 200;
  refreshes = 0;
  good = "";
  asked: string[] = [];

  send = async (path: string, init: RequestInit): Promise<Response> => {
    if (path === "/api/auth/refresh") return this.refresh();
    const token = new Headers(init.headers).get("authorization") ?? "none";
    this.asked.push(token);
    return answer(this.good && token !== `Bearer ${this.good}` ? 401 : 200);
  };

  private async refresh(): Promise<Response> {
    this.refreshes++;
    await Promise.resolve();
    if (this.refreshStatus !== 200) return answer(this.refreshStatus, { code: "unavailable", detail: "Down." });
    if (!this.cookie) return answer(401, { code: "invalid_token" });
    this.good = `t${this.refreshes}`;
    return answer(200, { access_token: this.good, expires_in: 900, user: { id: 1 } });
  }
}

describe("session", () => {
  let server: Server;
  let memory: Memory;
  let now: number;
  let session: Session;

  beforeEach(() => {
    server = new Server();
    memory = new Memory();
    now = 1_000_000;
    session = new Session(server.send, memory, () => now);
  });

  it("trades the cookie for a token once for many requests at a time", async () => {
    await Promise.all([session.fetch("/a"), session.fetch("/b"), session.fetch("/c")]);
    expect(server.refreshes).toBe(1);
    expect(server.asked).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
  });

  it("renews a token shortly before it ends", async () => {
    await session.token();
    now += 860_000;
    expect(await session.token()).toBe("t1");
    now += 20_000;
    expect(await session.token()).toBe("t2");
  });

  it("renews and asks again once after a 401", async () => {
    await session.token();
    server.good = "another";
    const response = await session.fetch("/a");
    expect(response.status).toBe(200);
    expect(server.asked).toEqual(["Bearer t1", "Bearer t2"]);
  });

  it("passes a second 401 on instead of asking for ever", async () => {
    const stubborn = new Session(
      async (path) =>
        path === "/api/auth/refresh" ? answer(200, { access_token: "t", expires_in: 900 }) : answer(401),
      memory,
      () => now,
    );
    expect((await stubborn.fetch("/a")).status).toBe(401);
  });

  it("lets visitors through without a token and does not ask for a cookie again for a while", async () => {
    server.cookie = false;
    await session.fetch("/a");
    await session.fetch("/b");
    await new Session(server.send, memory, () => now).fetch("/c");
    expect(server.refreshes).toBe(1);
    expect(server.asked).toEqual(["none", "none", "none"]);
    now += 70_000;
    await session.fetch("/d");
    expect(server.refreshes).toBe(2);
  });

  it("does not sign anybody out because the server is down", async () => {
    await session.token();
    now += 890_000;
    server.refreshStatus = 503;
    await expect(session.fetch("/a")).rejects.toBeInstanceOf(Problem);
    server.refreshStatus = 200;
    expect(await session.token()).toBe("t3");
    expect(session.user).not.toBeNull();
  });

  it("forgets the user when the cookie is no longer good", async () => {
    await session.token();
    let changes = 0;
    session.addEventListener("change", () => changes++);
    server.cookie = false;
    now += 890_000;
    expect(await session.token()).toBeNull();
    expect([session.user, changes]).toEqual([null, 1]);
  });
});
