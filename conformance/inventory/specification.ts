// Finds the MUST statements in the Markdown of the runtime specification.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The documents that concern a Linux runtime. */
const DOCUMENTS = ['bundle.md', 'runtime.md', 'runtime-linux.md', 'config.md', 'config-linux.md'];

/** A sentence of the specification with the word MUST in it, and its ordinal in its section, from 1. */
export interface Statement {
  section: string;
  ordinal: number;
  text: string;
}

export interface Specification {
  /** Every section: `config-linux.md#masked-paths`. */
  sections: string[];
  statements: Statement[];
}

/** Reads the specification from a directory with its Markdown files. */
export function readSpecification(directory: string): Specification {
  const sections: string[] = [];
  const statements: Statement[] = [];
  for (const document of DOCUMENTS) {
    let section = document;
    let ordinal = 0;
    for (const block of blocksOf(readFileSync(join(directory, document), 'utf8'))) {
      const heading = /^#+\s*(.*)/.exec(block)?.[1];
      if (heading !== undefined) {
        const slug = slugOf(heading);
        // An "Example" belongs to what it exemplifies; its anchor is not unique either.
        if (slug.startsWith('example')) continue;
        section = `${document}#${slug}`;
        ordinal = 0;
        sections.push(section);
        continue;
      }
      for (const text of sentencesOf(block)) {
        if (/\bMUST\b/.test(text)) statements.push({ section, ordinal: ++ordinal, text });
      }
    }
  }
  return { sections, statements };
}

/** Headings, list items, table rows and paragraphs, each on one line; fenced code is left out. */
function blocksOf(markdown: string): string[] {
  const blocks: string[] = [];
  let fenced = false;
  let open = false;
  for (const line of markdown.split('\n')) {
    const text = line.trim();
    if (text.startsWith('```')) fenced = !fenced;
    if (fenced || text === '' || text.startsWith('```')) {
      open = false;
      continue;
    }
    const starts = /^(#|[*-] |\d+\. |\||`[a-z ]+` +\|)/.test(text);
    const previous = blocks.at(-1);
    if (open && !starts && previous !== undefined) blocks[blocks.length - 1] = `${previous} ${text}`;
    else blocks.push(text);
    open = !text.startsWith('#');
  }
  return blocks;
}

/** Sentences without the targets of their links. */
function sentencesOf(block: string): string[] {
  return block.replace(/\]\([^)]*\)/g, ']').split(/(?<=[.:])\s+(?=[A-Z`*_[])/);
}

/** The anchor that a Markdown heading gets on GitHub. */
function slugOf(heading: string): string {
  return heading
    .replace(/<[^>]*>/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replace(/ /g, '-');
}
