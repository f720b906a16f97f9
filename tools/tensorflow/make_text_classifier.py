"""
Trains and writes `ticket_topic`, a SavedModel that takes sentences and says what each is about: splitting into words and
looking them up is inside the graph. Only native TensorFlow runs it, so it lies in a repository of its own for the tests
of the native engine, with what TensorFlow says to the held-out sentences beside it. Run by `make_tensorflow.sh`.

The sentences are made here, from patterns with gaps. Whole patterns are held out: what the test asks, the model has
never seen in that form.
"""

import itertools
import json
import os
import random
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from compact_saved_model import save_compact

SEED = 20_240
ACCURACY_FLOOR = 0.9
VARIANTS_PER_PATTERN = 40
HELD_OUT_VARIANTS = 12
HELD_OUT_PATTERNS = 3

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "test" / "fixtures" / "tensorflow" / "native_repository" / "ticket_topic"

THINGS = ["headphones", "lamp", "kettle", "backpack", "keyboard", "jacket", "camera", "chair", "blender", "watch"]
TIMES = ["yesterday", "on Monday", "last week", "two days ago", "this morning", "in March", "an hour ago"]
CITIES = ["Leeds", "Porto", "Lyon", "Graz", "Gdańsk", "Malmö", "Ghent"]
GREETINGS = ["", "", "Hello, ", "Hi there, ", "Good morning, ", "Dear team, "]
ENDINGS = ["", "", " Thanks!", " Please help.", " Kind regards.", " Any idea?"]

PATTERNS = {
    "delivery": [
        "my parcel with the {thing} has not arrived, it was shipped {time}",
        "when will the {thing} be delivered to {city}?",
        "the courier left my package at a wrong address in {city}",
        "tracking says the shipment is stuck in {city} since {time}",
        "I need to change the delivery address of my order to {city}",
        "the box came damaged and the {thing} inside is broken in transport",
        "is express shipping to {city} possible for the {thing}?",
        "nobody was at home {time} when the courier came with the parcel",
        "the shipment of the {thing} is late, tracking shows nothing",
        "where is my package? The courier promised delivery {time}",
        "please send the parcel to another address in {city}",
        "shipping of my {thing} takes too long, it is still in transport",
    ],
    "payment": [
        "my credit card was charged twice for the {thing} {time}",
        "I have not got the refund for the {thing} that I returned {time}",
        "the invoice for my {thing} shows a wrong amount",
        "can I pay for the {thing} by bank transfer from {city}?",
        "the discount code was not applied to the price of the {thing}",
        "my payment was declined {time} although the card is valid",
        "please send me an invoice with the tax number for the {thing}",
        "why is the price of the {thing} higher on the invoice than in the shop?",
        "I want my money back, the refund was promised {time}",
        "the bank says the charge of {time} came from you, what is it?",
        "which credit card do you take for the {thing}?",
        "the amount on my invoice is wrong, the discount is missing",
    ],
    "account": [
        "I forgot my password and the reset mail does not come",
        "please delete my account and all my personal data",
        "I cannot log in since {time}, it says the user is unknown",
        "how do I change the email address of my profile?",
        "somebody from {city} logged in to my account {time}",
        "my account is locked after too many login attempts",
        "the confirmation mail for my new profile never came",
        "can I merge two accounts with different user names?",
        "the password reset link has expired since {time}",
        "my login does not work, is my account blocked?",
        "please change the user name in my profile",
        "I did not get a mail to confirm my email address and password",
    ],
    "defect": [
        "the {thing} does not turn on any more since {time}",
        "a button of the {thing} fell off {time}",
        "my {thing} makes a loud noise when it is running",
        "the battery of the {thing} is empty after an hour",
        "is there a warranty? The {thing} stopped working {time}",
        "the {thing} gets hot and smells of burning plastic",
        "there is a scratch on the surface of my new {thing}",
        "one part of the {thing} is missing in the manual and does not fit",
        "the {thing} is defective, it turns off after a minute",
        "does the warranty cover a broken button of the {thing}?",
        "my {thing} stopped running {time}, the battery gets hot",
        "a loud noise comes from the plastic part of the {thing}",
    ],
}
TOPICS = sorted(PATTERNS)


def variants(pattern, count, rng):
    gaps = itertools.product(GREETINGS, THINGS, TIMES, CITIES, ENDINGS)
    made = sorted({g + pattern.format(thing=t, time=w, city=c) + e for g, t, w, c, e in gaps})
    return rng.sample(made, min(count, len(made)))


def sentences():
    """Texts and topic numbers: of the first patterns for training, of the last ones to test."""
    rng = random.Random(SEED)
    train, held_out = [], []
    for number, topic in enumerate(TOPICS):
        patterns = PATTERNS[topic]
        for pattern in patterns[:-HELD_OUT_PATTERNS]:
            train += [(text, number) for text in variants(pattern, VARIANTS_PER_PATTERN, rng)]
        for pattern in patterns[-HELD_OUT_PATTERNS:]:
            held_out += [(text, number) for text in variants(pattern, HELD_OUT_VARIANTS, rng)]
    rng.shuffle(train)
    rng.shuffle(held_out)
    return train, held_out


def trained(train):
    keras.utils.set_random_seed(SEED)
    texts = tf.constant([text for text, _ in train])
    labels = np.array([number for _, number in train])
    vectorize = layers.TextVectorization(max_tokens=500, ngrams=2, output_mode="multi_hot")
    vectorize.adapt(texts)
    head = keras.Sequential(
        [layers.Dropout(0.3), layers.Dense(24, "relu"), layers.Dropout(0.3), layers.Dense(len(TOPICS), "softmax")]
    )
    head.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    head.fit(vectorize(texts), labels, batch_size=64, epochs=15, verbose=0)
    return vectorize, head


def main():
    train, held_out = sentences()
    vectorize, head = trained(train)
    holder = tf.Module()
    holder.kept = [variable.value for variable in head.weights]
    holder.vectorize = vectorize
    topics = tf.constant(TOPICS)

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.string, "text")])
    def classify(text):
        probabilities = head(vectorize(text[:, 0]), training=False)
        return {"probabilities": probabilities, "topic": tf.gather(topics, tf.argmax(probabilities, 1))[:, None]}

    holder.classify = classify
    save_compact(holder, classify.get_concrete_function(), TARGET / "1" / "model.savedmodel")

    texts = [text for text, _ in held_out]
    answers = classify(tf.constant(texts)[:, None])
    predicted = [topic.decode() for topic in answers["topic"].numpy()[:, 0]]
    wanted = [TOPICS[number] for _, number in held_out]
    accuracy = float(np.mean([a == b for a, b in zip(predicted, wanted)]))
    print(f"ticket_topic: accuracy {accuracy:.2%} on {len(texts)} sentences of held-out patterns")
    if accuracy < ACCURACY_FLOOR:
        raise SystemExit(f"ticket_topic: accuracy {accuracy:.2%} is below {ACCURACY_FLOOR}")
    rows = [
        {"text": text, "topic": topic, "answer": answer, "probabilities": [float(value) for value in row]}
        for text, topic, answer, row in zip(texts, wanted, predicted, answers["probabilities"].numpy())
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (TARGET.parent / "ticket_topic.json").write_text("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main()
