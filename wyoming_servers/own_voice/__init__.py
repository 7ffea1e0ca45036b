"""Answers in the asker's own voice: from an utterance to a voice that lasts a minute, and from it to its answer.

speech-to-text      `keeper`: keeps the sound (`reference`) and a line about each utterance (`utterances`)
conversation        `questions`: which utterance a question was, written invisibly (`mark`) into its answer
text-to-speech      `mark` read again; wyoming_servers/tts/asker_voice.py makes a voice of it
cloning workers     `folder` says where the sounds are
"""
