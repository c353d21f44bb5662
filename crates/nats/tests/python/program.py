"""Talks to actors and serves them, by what WIRE.md says and nothing else: `program.py URL NAMESPACE`.

It tells and asks `named:desk`, and says `ready`. Then it serves as `pool:squares` and `named:python` until its standard
input ends, and says what it was told.
"""

import asyncio
import json
import secrets
import sys

import nats
from nats.errors import NoRespondersError

URL, NAMESPACE = sys.argv[1:]
WAIT = 20


def new_id():
    return f"{secrets.randbits(63) + 1:016x}-{secrets.randbits(64):016x}"


def event(data, **attributes):
    must = {"specversion": "1.0", "id": new_id(), "source": "python", "type": "job"}
    return must | attributes | {"data": data}


def encoded(value):
    return json.dumps(value).encode()


async def say(client, verb, address, said):
    answer = await client.request(f"{NAMESPACE}.in.{verb}.{address}", encoded(said), timeout=WAIT)
    return json.loads(answer.data)


async def tell_and_ask(client):
    assert await say(client, "tell", "named.desk", event("Silence")) == {"accepted": True}

    question = event({"Square": 12}, priority="high", metadata=json.dumps({"tenant": "blue"}))
    answer = await say(client, "ask", "named.desk", question)
    assert (answer["type"], answer["data"]) == ("job", {"Squared": 144}), answer
    assert answer["correlation"] == question["id"], answer


async def fail(client):
    cases = [
        ("ask", "named.nobody", event("Silence"), "no_such_actor", False),
        ("tell", "pool.nobody", event("Silence"), "no_members", False),
        ("ask", "named.desk", event("Silence"), "no_reply", True),
        ("ask", "named.desk", event("Wait", remaining=200_000), "timed_out", True),
        ("ask", "named.desk", event("Nonsense"), "unreadable", False),
        ("ask", "named.desk", event("Silence", type="note"), "unreadable", False),
        ("sing", "named.desk", event("Silence"), "bad_subject", False),
        ("ask", "node.desk", event("Silence"), "bad_subject", False),
    ]
    for verb, address, said, kind, ran in cases:
        error = (await say(client, verb, address, said))["error"]
        assert (error["kind"], error["ran"]) == (kind, ran), error
        assert error["text"], error
    try:
        await client.request("elsewhere.in.ask.named.desk", encoded(event("Silence")), timeout=WAIT)
        raise AssertionError("somebody answers where no node is")
    except NoRespondersError:
        pass


async def serve(message):
    verb = message.subject.removeprefix(f"{NAMESPACE}.out.").split(".")[0]
    said = json.loads(message.data)
    assert (said["specversion"], said["type"]) == ("1.0", "job"), said
    await message.respond(encoded(answer_to(verb, said)))


def answer_to(verb, said):
    data = said["data"]
    if data == "Fail":
        return {"error": {"kind": "failed", "text": "out of ink", "ran": True}}
    if data == "Refuse":
        return {"error": {"kind": "full", "text": "", "ran": False}}
    if verb == "ask":
        assert said["remaining"] > 0, said
        return event({"Squared": data["Square"] ** 2}, correlation=said["id"])
    print(f"told {data}", flush=True)
    return {"accepted": True}


async def main():
    client = await nats.connect(URL)
    await tell_and_ask(client)
    await fail(client)
    for address in ["pool.squares", "named.python"]:
        await client.subscribe(f"{NAMESPACE}.out.*.{address}", queue="members", cb=serve)
    await client.flush()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await client.drain()


asyncio.run(main())
