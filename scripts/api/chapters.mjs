/**
 * A plugin of TypeDoc: modules are called as they are imported, and the names of a package stand in the chapters of its
 * door, which are the comments over its exports there.
 */
import { readFileSync } from 'node:fs';
import { Application, CommentTag, Converter, ReflectionKind } from 'typedoc';

/** Name by name, the chapter that a door has it in. */
export function chaptersOf(door) {
  const chapters = new Map();
  let chapter;
  for (const [, title, names] of door.matchAll(/^\/\/ (?!biome)(.*)$|^export (?:type )?\{([^}]*)\}/gm)) {
    if (title !== undefined) chapter = title;
    else if (chapter !== undefined)
      for (const name of names.split(',')) chapters.set(name.trim().replace(/^type /, ''), chapter);
  }
  return chapters;
}

const doorOf = (name) => readFileSync(new URL(`../../packages/${name}/src/index.ts`, import.meta.url), 'utf8');

export function load(app) {
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    app.options.setValue('categoryOrder', [...new Set(chaptersOf(doorOf('core')).values())]);
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const [name] = module.name.split('/');
      const chapters = chaptersOf(doorOf(name));
      module.name = `@fewfire/${name}`;
      for (const child of module.children) {
        const text = chapters.get(child.name);
        const owners = [child, ...(child.signatures ?? [])].filter(({ comment }) => comment !== undefined);
        if (text !== undefined)
          for (const { comment } of owners)
            comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text }]));
      }
    }
  });
}
