// jsdom knows the element but not how it opens; what a real browser does with focus and Escape is proven end to end.
Object.assign(HTMLDialogElement.prototype, {
  showModal(this: HTMLDialogElement) {
    this.open = true;
  },
  close(this: HTMLDialogElement) {
    this.open = false;
  },
});
