#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the small files of tests/unit/test_field_media.py: what people who animate faces bring, and decoders stumble on.
# Usage: field_media.sh OUT_FOLDER SPEECH REFERENCE. Needs ffmpeg.
set -u
out=${1:?folder}
speech=${2:?speech}; reference=${3:?reference}
mkdir -p "$out"; cd "$out" || exit 1
N="ffmpeg -nostdin -v error -y"
$N -i "$reference" -t 4 -c:v libx264 -crf 20 -c:a aac v.mp4
$N -i "$speech" -t 5 -ar 16000 -ac 1 s.wav
# sound: channels
$N -i s.wav -af "pan=8c|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0" ch8.wav
$N -i s.wav -af "pan=5.1|FC=c0" centre51.wav
# sound: numbers
python3 - <<'PY'
import struct, wave, numpy as np
a = np.frombuffer(wave.open("s.wav").readframes(10**9), np.int16).astype("<f4") / 32768
def write(name, x):
    data = x.astype("<f4").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, 16000, 64000, 4, 32, b"data", len(data))
    open(name, "wb").write(head + data)
x = a.copy(); x[20000] = np.nan; write("one_nan.wav", x)
x = a.copy(); x[20000] = np.inf; write("one_inf.wav", x)
PY
# sound: clocks
$N -i s.wav -af "aselect='lt(t,1.5)+gt(t,2.5)'" -c:a aac hole.mkv
$N -i v.mp4 -itsoffset 0.5 -i v.mp4 -map 0:v -map 1:a -c copy late_sound.mkv
$N -i s.wav -ar 44100 a44.mp3; $N -i s.wav -ar 48000 -ac 2 b48.mp3; cat a44.mp3 b48.mp3 > rate_changes.mp3
# sound: which stream
$N -f lavfi -i anullsrc=r=48000:cl=stereo -i s.wav -t 5 -map 0 -map 1 -c:a aac -disposition:a:0 0 -disposition:a:1 default two_tracks.mp4
# tags that are not UTF-8
python3 - <<'PY'
title = "Szene f\u00fcnf".encode("latin-1")
body = open("a44.mp3", "rb").read()
frame = b"TIT2" + (len(title) + 1).to_bytes(4, "big") + b"\0\0\3" + title   # says UTF-8, is Latin-1
open("latin1_tag.mp3", "wb").write(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame)]) + frame + body)
PY
# silence and music
$N -i s.wav -f lavfi -i "anoisesrc=a=0.003:d=3:r=16000" -i s.wav -filter_complex "[0][1][2]concat=n=3:v=0:a=1" word_noise_word.wav
$N -f lavfi -i "sine=220:d=9,tremolo=f=4,volume=0.5" -i s.wav -filter_complex "[1]adelay=4000[s];[0][s]amix=2:duration=longest" music_then_speech.wav
# picture
$N -i v.mp4 -vf scale=384:512,setsar=4/3 -c:v libx264 -c:a copy sar43.mp4
$N -i v.mp4 -vf fps=60 -c:v libx264 -c:a copy v60.mp4
$N -i v.mp4 -vf fps=1 -c:v libx264 -c:a copy fps1.mp4
$N -i v.mp4 -vf hflip,vflip -c:v libx264 -c:a copy upside_down.mp4
$N -i v.mp4 -vf "drawbox=x=iw*0.3:y=ih*0.55:w=iw*0.4:h=ih*0.3:color=black:t=fill" -c:v libx264 -c:a copy mouth_covered.mp4
$N -i v.mp4 -filter_complex "[0:v]split[l][s];[s]hflip,eq=brightness=0.1[r];[l][r]hstack[v]" -map "[v]" -map 0:a -c:v libx264 -preset veryfast side.mp4
$N -i v.mp4 -frames:v 1 still.png
# kinds of files
kind() { local name=$1; shift; $N -i s.wav "$@" "$name"; }
kind vorbis.ogg -c:a libvorbis; kind opus.ogg -c:a libopus; kind opus.webm -c:a libopus; kind flac24.flac -c:a flac -sample_fmt s32
kind alac.m4a -c:a alac; kind aac.m4b -f mp4 -c:a aac; kind aac.3gp -c:a aac; kind vbr.mp3 -c:a libmp3lame -q:a 4
kind float64.wav -c:a pcm_f64le; kind int24.wav -c:a pcm_s24le; kind unsigned8.wav -c:a pcm_u8; kind a-law.wav -c:a pcm_alaw
kind adpcm.wav -c:a adpcm_ms; kind big-endian.aiff -c:a pcm_s16be; kind apple.caf -c:a pcm_s16le; kind wavpack.wv -c:a wavpack
kind telephone.wav -ar 8000; kind studio.wav -ar 192000; kind right.wav -af "pan=stereo|c1=c0"; kind apple.mov -c:a pcm_s24le
kind opposed.wav -af "pan=stereo|c0=c0|c1=-0.8*c0"
# what cannot be read
$N -i v.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8 protected.mp4
$N -i v.mp4 -t 1 -c:v libwebp -an animated.webp
head -c 60000 v.mp4 > unfinished.mp4
head -c 0 v.mp4 > empty.mp4
echo "<html><body>404</body></html>" > page.mp4
