// Watches a <video> as a person does: notes when its picture turns white and when its sound becomes loud, both on the
// clock of performance.now(). Added to the page before it is loaded; `await watch(count)` resolves with what was seen.
(() => {
  const BRIGHT = 128;
  const LOUD = 0.1;
  const QUIET_MS = 300;

  function flashes(video, seen) {
    const canvas = new OffscreenCanvas(8, 8);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let white = true; // a film that begins white has no onset
    const look = (_, frame) => {
      context.drawImage(video, 0, 0, 8, 8);
      const bright = context.getImageData(4, 4, 1, 1).data[0] > BRIGHT;
      if (bright && !white) seen.push({ at: frame.expectedDisplayTime, media: frame.mediaTime });
      white = bright;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }

  function beeps(video, seen) {
    const context = new AudioContext();
    const tap = context.createScriptProcessor(256, 2, 2);
    let loudAt = Number.NEGATIVE_INFINITY;
    tap.onaudioprocess = (event) => {
      // The element counts a sample as played when it hands it over: what follows, the graph and the card, is the
      // listening room's. The handing over goes on at the pace of currentTime, however late this is called.
      const began = performance.now() + (event.playbackTime - context.currentTime) * 1000;
      const samples = event.inputBuffer.getChannelData(0);
      for (let n = 0; n < samples.length; n += 1) {
        if (Math.abs(samples[n]) <= LOUD) continue;
        const at = began + (n / context.sampleRate) * 1000;
        if (at - loudAt > QUIET_MS) seen.push({ at, media: video.currentTime });
        loudAt = at;
      }
    };
    context.createMediaElementSource(video).connect(tap).connect(context.destination);
    return context.resume();
  }

  window.watch = (count) =>
    new Promise((resolve) => {
      const video = document.querySelector("video");
      const seen = { flashes: [], beeps: [] };
      flashes(video, seen.flashes);
      beeps(video, seen.beeps);
      const done = setInterval(() => {
        if (video.ended || Math.min(seen.flashes.length, seen.beeps.length) >= count) {
          clearInterval(done);
          resolve(seen);
        }
      }, 50);
    });
})();
