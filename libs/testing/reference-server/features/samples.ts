import type { Content } from './feature.js';

/** A blue square of two by two pixels. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEklEQVR4nGMQiVogErWAAUIBABtmBDmlJkTZAAAAAElFTkSuQmCC';

/** Four samples of silence: 8 kHz, 8 bit, mono. */
const WAV = 'UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAACAgICA';

export const sampleImage: Content = { type: 'image', data: PNG, mimeType: 'image/png' };
export const sampleAudio: Content = { type: 'audio', data: WAV, mimeType: 'audio/wav' };
export const sampleBlob = PNG;
