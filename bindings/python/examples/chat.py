#!/usr/bin/env python3
"""Talks with a model in the terminal: python3 chat.py MODEL [SYSTEM TEXT]. Ctrl-C stops an answer, Ctrl-D ends."""

import sys

import inlay


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with inlay.Model.open(sys.argv[1]) as model, model.session(temperature=0.7, top_p=0.9) as session:
        chat = inlay.Chat(session, system=sys.argv[2] if len(sys.argv) > 2 else None)
        while True:
            try:
                text = input("> ")
            except EOFError:
                break
            try:
                for piece in chat.say(text):
                    print(piece, end="", flush=True)
                print()
            except KeyboardInterrupt:
                print("\n(stopped)")
            except inlay.InlayError as error:
                print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
